// The options of `postern scan`: which engines look, and how far. Both are settings of the section `scanning`, by the same
// names, and are checked by the same schema.
import { defaultSettings, type ScanningSettings, scanningSchema } from '../../contract/settings.ts';
import { CommandFailure } from '../failure.ts';

/** Settings that are limits. */
const limitNames = ['maxMessageMiB', 'maxSeconds', 'archiveDepth', 'maxMemberMiB', 'maxUnpackedMiB'] as const;
type LimitName = (typeof limitNames)[number];

function isLimit(name: string): name is LimitName {
  return limitNames.some((known) => known === name);
}

const wrong = (detail: string) => new CommandFailure('invalid-input', detail);

/** `builtin,clamd=auto,icap=icap://host/service`; the built-in engines always look. */
function enginesOf(list: string): Pick<ScanningSettings, 'clamd' | 'icap'> {
  const chosen = { clamd: 'off', icap: 'off' };
  for (const piece of list.split(',').map((each) => each.trim())) {
    const [name = '', ...rest] = piece.split('=');
    const address = rest.join('=');
    if (name === 'builtin' && rest.length === 0) continue;
    if (name === 'clamd') chosen.clamd = address === '' ? 'auto' : address;
    else if (name === 'icap' && address !== '') chosen.icap = address;
    else throw wrong(`--engines: ${piece} (builtin, clamd, clamd=ADDRESS, icap=URL)`);
  }
  return chosen;
}

/** `maxSeconds=30,archiveDepth=5`. */
function limitsOf(list: string): Partial<Record<LimitName, number>> {
  const limits: Partial<Record<LimitName, number>> = {};
  for (const piece of list.split(',').map((each) => each.trim())) {
    const [name = '', value = ''] = piece.split('=');
    if (!isLimit(name) || !/^\d{1,9}$/.test(value))
      throw wrong(`--limits: ${piece} (NAME=NUMBER: ${limitNames.join(', ')})`);
    limits[name] = Number(value);
  }
  return limits;
}

/** The settings to scan by. @throws CommandFailure that names the wrong piece */
export function scanningOf({
  engines,
  limits,
}: {
  readonly engines?: string;
  readonly limits?: string;
}): ScanningSettings {
  const parsed = scanningSchema.safeParse({
    ...defaultSettings.scanning,
    ...(engines === undefined ? {} : enginesOf(engines)),
    ...(limits === undefined ? {} : limitsOf(limits)),
  });
  if (parsed.success) return parsed.data;
  throw wrong(parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join(', '));
}
