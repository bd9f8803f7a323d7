// What a walk of the self-test has shown so far: its steps by protocol, and how many ended how. Pure.
import type { SelfTestStep } from '../../src-main/contract/state.ts';

export interface ProtocolSteps {
  readonly protocol: SelfTestStep['protocol'];
  readonly steps: readonly SelfTestStep[];
}

/** In the order in which the protocols came. */
export function stepsByProtocol(steps: readonly SelfTestStep[]): ProtocolSteps[] {
  return [...Map.groupBy(steps, ({ protocol }) => protocol)].map(([protocol, own]) => ({
    protocol,
    steps: own,
  }));
}

export function countOutcomes(steps: readonly SelfTestStep[]): Record<SelfTestStep['outcome'], number> {
  const count = (outcome: SelfTestStep['outcome']) => steps.filter((step) => step.outcome === outcome).length;
  return { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
}
