// Where the root is trusted: one row per certificate store of this computer, with its state, the last handshake of a
// program that asks it, and what can be done where it is not trusted.
import { useId, useState } from 'react';
import { assertNever } from '../../src-main/contract/assert-never.ts';
import { mendOf } from '../../src-main/contract/mends.ts';
import type { TrustAction, TrustStore } from '../../src-main/contract/trust.ts';
import { useCoreState } from '../app-context.ts';
import { ByHandDialog } from '../dialogs/ByHandDialog.tsx';
import { type Say, useSpeech } from '../i18n.ts';
import controls from './controls.module.css';
import { CrossIcon, DashIcon, LockIcon, PartlyIcon, TickIcon } from './icons.tsx';
import { LiveTable, type RowPlace } from './LiveTable.tsx';
import { PathText } from './PathText.tsx';
import { PushButton } from './PushButton.tsx';
import status from './status.module.css';
import styles from './trust.module.css';
import { storeWords } from './trust-words.ts';
import { useCall } from './use-call.ts';

const icons = {
  trusted: TickIcon,
  'not-trusted': CrossIcon,
  partly: PartlyIcon,
  pinned: LockIcon,
  unavailable: DashIcon,
} as const;

/** What was done, in words; nothing for what failed, which is said in the row. */
function doneWords(say: Say, { store, action }: TrustAction): string {
  switch (action) {
    case 'installed':
      return say('stores.installed', { store: storeWords(say, store) });
    case 'unchanged':
    case 'removed':
      return say('stores.unchanged', { store: storeWords(say, store) });
    case 'failed':
      return '';
    default:
      return assertNever(action);
  }
}

export function TrustStores() {
  const { say } = useSpeech();
  const { stores } = useCoreState().trust;
  return (
    <LiveTable
      section="trust-stores"
      title={say('stores.title')}
      none={say('stores.none')}
      columns={[say('stores.column.store'), say('stores.column.state'), say('stores.column.handshake')]}
      items={stores}
      row={(store, place) => <StoreRow key={store.id} store={store} {...place} />}
    />
  );
}

interface StoreRowProps extends RowPlace {
  readonly store: TrustStore;
}

function StoreRow({ store, focus, onSaid }: StoreRowProps) {
  const { say } = useSpeech();
  const call = useCall();
  const [failure, setFailure] = useState<TrustAction>();
  const [isByHand, setIsByHand] = useState(false);
  const id = useId();
  // What was tried in vain may have come about in another way.
  const shownFailure = store.state === 'trusted' ? undefined : failure;

  const install = () => {
    focus.pressed();
    setFailure(undefined);
    onSaid('');
    call.run(async (client) => {
      const actions = await client.trust.install({ stores: [store.id] });
      const failed = actions.find(({ action }) => action === 'failed');
      setFailure(failed);
      const [done] = failed === undefined ? actions : [];
      if (done !== undefined) onSaid(doneWords(say, done));
    });
  };

  return (
    <tr data-store={store.id}>
      <th scope="row">
        <span id={`${id}name`}>{store.programs.join(', ') || storeWords(say, store)}</span>
        {store.programs.length > 0 && <span className={styles['kind']}>{storeWords(say, store)}</span>}
        <PathText path={store.path} />
      </th>
      <td>
        <StoreState store={store} />
        {call.isBusy && (
          <p className={styles['more']} role="status">
            {say('root.busy')}
          </p>
        )}
        {(shownFailure !== undefined || call.problem !== undefined) && (
          <div className={styles['failures']} role="alert">
            {call.problem !== undefined && <p className={controls['sentence']}>{say(call.problem)}</p>}
            {shownFailure !== undefined && (
              <>
                <p>
                  {say('stores.not-installed', {
                    reason: say(
                      shownFailure.reason === undefined
                        ? 'problem.call-failed'
                        : `error.${shownFailure.reason}`,
                    ),
                  })}
                </p>
                <Mending store={store} reason={shownFailure.reason} detail={shownFailure.detail} />
              </>
            )}
          </div>
        )}
      </td>
      <td className={styles['when']}>
        <Handshake store={store} />
      </td>
      <td>
        {store.state !== 'trusted' && (
          <PushButton
            id={`${id}fix`}
            aria-labelledby={`${id}fix ${id}name`}
            isDisabled={!call.isReady}
            onPress={store.fix === 'by-hand' ? () => setIsByHand(true) : install}
          >
            {say(store.fix === 'own' ? 'action.fix' : 'action.fix-more')}
          </PushButton>
        )}
        {isByHand && <ByHandDialog store={store} onClose={() => setIsByHand(false)} />}
      </td>
    </tr>
  );
}

function StoreState({ store }: { readonly store: TrustStore }) {
  const { say } = useSpeech();
  const { state, reason, detail, running, lastHandshake } = store;
  const Icon = icons[state];
  // A program that has accepted our certificate has read it.
  const isToStart =
    running && (state === 'trusted' || state === 'partly') && lastHandshake?.accepted !== true;
  return (
    <>
      <p className={styles['state']} data-state={state}>
        <Icon />
        <span>{say(`stores.state.${state}`)}</span>
      </p>
      {(state === 'partly' || state === 'pinned') && (
        <p className={styles['more']}>{say(`stores.about.${state}`)}</p>
      )}
      {reason !== undefined && (
        <p className={`${styles['more'] ?? ''} ${controls['sentence'] ?? ''}`}>{say(`error.${reason}`)}</p>
      )}
      {reason !== undefined && <Mending store={store} reason={reason} detail={detail} />}
      {isToStart && <p className={styles['restart']}>{say('stores.restart')}</p>}
    </>
  );
}

/** What can be done about a reason, and the technical words of whoever said it. */
function Mending({
  store,
  reason,
  detail,
}: Pick<TrustAction, 'reason' | 'detail'> & { readonly store: TrustStore }) {
  const { say } = useSpeech();
  // An administrator is asked for some stores alone.
  const isMendable = reason !== undefined && (reason !== 'trust-denied' || store.fix === 'administrator');
  const { text, command } = isMendable ? mendOf(reason) : { text: undefined, command: undefined };
  return (
    <>
      {text !== undefined && <p className={styles['more']}>{say(text)}</p>}
      {command !== undefined && (
        <p>
          <code className={styles['line']}>{command}</code>
        </p>
      )}
      {detail !== undefined && (
        <p className={status['detail']} lang="en">
          {detail}
        </p>
      )}
    </>
  );
}

function Handshake({ store: { lastHandshake } }: { readonly store: TrustStore }) {
  const { say, moment } = useSpeech();
  if (lastHandshake === undefined)
    return <span className={controls['quiet']}>{say('stores.no-handshake')}</span>;
  const { at, accepted, server } = lastHandshake;
  return (
    <>
      <time dateTime={at}>{moment(at)}</time>
      <p className={styles['verdict']} data-accepted={accepted}>
        {say(accepted ? 'stores.accepted' : 'stores.refused')}
      </p>
      <p className={styles['more']}>{server}</p>
    </>
  );
}
