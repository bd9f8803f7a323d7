// The last messages in which something was found or that were not scanned, live and newest first.
import type { MessageEvent } from '../../src-main/contract/state.ts';
import { useCoreState } from '../app-context.ts';
import { useSpeech } from '../i18n.ts';
import styles from './detections.module.css';
import page from './page.module.css';

export function LastDetections() {
  const { say } = useSpeech();
  const { lastMessages } = useCoreState();
  return (
    <section className={page['section']} data-section="detections">
      <div className={page['head']}>
        <h3 className={page['plain']}>{say('detections.title')}</h3>
      </div>
      {lastMessages.length === 0 ? (
        <p className={styles['none']}>{say('detections.none')}</p>
      ) : (
        <ul aria-label={say('detections.title')}>
          {lastMessages.map((message) => (
            <Detection key={message.id} message={message} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Detection({ message }: { readonly message: MessageEvent }) {
  const { say, moment } = useSpeech();
  const names = [...new Set(message.detections.map((detection) => detection.name))];
  return (
    <li className={styles['message']}>
      <div className={styles['when']}>
        <time dateTime={message.at}>{moment(message.at)}</time>
        <span>{message.server}</span>
      </div>
      <div className={styles['what']}>
        <b>{message.subject ?? say('detections.no-subject')}</b>
        <span>{message.sender ?? say('detections.unknown-sender')}</span>
      </div>
      <div className={styles['verdict']}>
        <span className={styles['outcome']} data-outcome={message.outcome}>
          {say(message.unchanged ? 'detections.unchanged' : `outcome.${message.outcome}`)}
        </span>
        {names.map((name) => (
          <code key={name}>{name}</code>
        ))}
        {message.outcome === 'not-scanned' &&
          message.limits.map((limit) => <span key={limit}>{say(`limit.${limit}`)}</span>)}
        {message.quarantineId !== undefined && <span>{say('detections.quarantined')}</span>}
      </div>
    </li>
  );
}
