import type { NetworkInterfaceInfo } from 'node:os';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { currentAddresses, hasGlobalIpv6, watchNetwork } from './network-watch.ts';

const v4 = (address: string, internal = false): NetworkInterfaceInfo => ({
  family: 'IPv4',
  address,
  netmask: '255.255.255.0',
  mac: '00:00:00:00:00:00',
  internal,
  cidr: `${address}/24`,
});
const v6 = (address: string, scopeid = 0, internal = false): NetworkInterfaceInfo => ({
  family: 'IPv6',
  address,
  netmask: 'ffff:ffff:ffff:ffff::',
  mac: '00:00:00:00:00:00',
  internal,
  cidr: `${address}/64`,
  scopeid,
});

describe('the addresses of a machine', () => {
  test('are those that others see, in no order of their own', () => {
    const lo = [v4('127.0.0.1', true), v6('::1', 0, true)];
    const one = currentAddresses(() => ({
      lo,
      eth0: [v4('192.0.2.1'), v6('fe80::1', 2)],
      wg0: [v4('10.0.0.1')],
    }));
    const same = currentAddresses(() => ({
      wg0: [v4('10.0.0.1')],
      eth0: [v6('fe80::1', 2), v4('192.0.2.1')],
    }));
    expect(one).toBe(same);
    expect(currentAddresses(() => ({ lo }))).toBe('');
    // The same address on another interface is another network.
    expect(currentAddresses(() => ({ eth1: [v4('10.0.0.1')] }))).not.toBe(
      currentAddresses(() => ({ wg0: [v4('10.0.0.1')] })),
    );
  });

  test.each([
    ['::1', v6('::1', 0, true), false],
    ['of one link alone', v6('fe80::1', 2), false],
    ['of IPv4', v4('192.0.2.1'), false],
    ['that others reach', v6('2001:db8::1'), true],
  ])('count as IPv6: %s', (_, address, isGlobal) => {
    expect(hasGlobalIpv6(() => ({ eth0: [address] }))).toBe(isGlobal);
  });
});

describe('the watch', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
  afterEach(() => void vi.useRealTimers());

  test('tells each change once, until it ends', () => {
    let addresses = 'eth0';
    let changes = 0;
    const stop = watchNetwork({ addresses: () => addresses, onChange: () => changes++ });
    vi.advanceTimersByTime(60_000);
    expect(changes).toBe(0);
    addresses = '';
    vi.advanceTimersByTime(60_000);
    expect(changes).toBe(1);
    addresses = 'eth0';
    vi.advanceTimersByTime(3_000);
    expect(changes).toBe(2);
    stop();
    addresses = 'wg0';
    vi.advanceTimersByTime(60_000);
    expect(changes).toBe(2);
    expect(vi.getTimerCount()).toBe(0);
  });
});
