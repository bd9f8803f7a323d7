// Programs and servers whose TLS is passed through unopened from what was learnt, each with the button that ends it.
import { useId } from 'react';
import type { TlsRelay } from '../../src-main/contract/trust.ts';
import { useCoreState } from '../app-context.ts';
import { useSpeech } from '../i18n.ts';
import controls from './controls.module.css';
import { LiveTable, type RowPlace } from './LiveTable.tsx';
import { programName } from './ProgramTile.tsx';
import { PushButton } from './PushButton.tsx';
import status from './status.module.css';
import styles from './trust.module.css';
import { useCall } from './use-call.ts';

export function TlsRelays() {
  const { say } = useSpeech();
  const { relays } = useCoreState().trust;
  return (
    <LiveTable
      section="tls-relays"
      title={say('relays.title')}
      lead={say('relays.lead')}
      none={say('relays.none')}
      columns={[say('relays.column.program'), say('relays.column.reason'), say('relays.column.time')]}
      items={relays}
      row={(relay, place) => <RelayRow key={relay.id} relay={relay} {...place} />}
    />
  );
}

interface RelayRowProps extends RowPlace {
  readonly relay: TlsRelay;
}

function RelayRow({ relay, focus, onSaid }: RelayRowProps) {
  const { say, moment } = useSpeech();
  const call = useCall();
  const id = useId();
  const server = `${relay.server}:${relay.port}`;
  const forget = () => {
    focus.pressed();
    onSaid('');
    call.run(async (client) => {
      await client.trust.forget({ ids: [relay.id] });
      onSaid(say('relays.forgotten', { server }));
    });
  };
  return (
    <tr data-relay={relay.id}>
      <th scope="row" id={`${id}name`}>
        <span title={relay.program}>
          {relay.program === undefined ? say('relays.any-program') : programName(relay.program)}
        </span>
        <span className={styles['kind']}>{server}</span>
      </th>
      <td>
        <p className={controls['sentence']}>{say(`relay.${relay.reason}`)}</p>
        {relay.detail !== undefined && (
          <p className={status['detail']} lang="en">
            {relay.detail}
          </p>
        )}
        {call.problem !== undefined && (
          <p className={`${controls['problem'] ?? ''} ${controls['sentence'] ?? ''}`} role="alert">
            {say(call.problem)}
          </p>
        )}
      </td>
      <td className={styles['when']}>
        <time dateTime={relay.at} className={styles['more']}>
          {say('relays.since', { date: moment(relay.at) })}
        </time>
        <time dateTime={relay.until} className={styles['more']}>
          {say('relays.until', { date: moment(relay.until) })}
        </time>
      </td>
      <td>
        <PushButton
          id={`${id}open`}
          aria-labelledby={`${id}open ${id}name`}
          isDisabled={!call.isReady}
          onPress={forget}
        >
          {say('action.open-again')}
        </PushButton>
      </td>
    </tr>
  );
}
