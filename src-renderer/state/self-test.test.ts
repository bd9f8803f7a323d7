import { describe, expect, it } from 'vitest';
import type { SelfTestStep } from '../../src-main/contract/state.ts';
import { countOutcomes, stepsByProtocol } from './self-test.ts';

const step = (
  protocol: SelfTestStep['protocol'],
  name: SelfTestStep['step'],
  outcome: SelfTestStep['outcome'] = 'passed',
): SelfTestStep => ({ protocol, step: name, outcome, ms: 1 });

describe('the steps of a self-test', () => {
  it('stand by protocol, in the order in which they came', () => {
    const steps = [
      step('kernel', 'redirect'),
      step('pop3', 'greeting'),
      step('imap', 'greeting'),
      step('pop3', 'sign-in'),
    ];
    expect(
      stepsByProtocol(steps).map(({ protocol, steps: own }) => [protocol, own.map((each) => each.step)]),
    ).toEqual([
      ['kernel', ['redirect']],
      ['pop3', ['greeting', 'sign-in']],
      ['imap', ['greeting']],
    ]);
    expect(stepsByProtocol([])).toEqual([]);
  });

  it('are counted by outcome', () => {
    const steps = [
      step('imap', 'greeting'),
      step('imap', 'tls', 'skipped'),
      step('imap', 'sign-in', 'failed'),
    ];
    expect(countOutcomes([...steps, step('pop3', 'greeting')])).toEqual({ passed: 2, failed: 1, skipped: 1 });
  });
});
