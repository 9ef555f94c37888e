import { DEFAULT_IP_DENYLIST } from '@atoll/config';
import { describe, expect, it } from '@jest/globals';
import { IpDenylist } from './ip-denylist.js';

describe('the deny-list', () => {
  const standard = new IpDenylist(DEFAULT_IP_DENYLIST);

  it.each([
    ['loopback', '127.0.0.1'],
    ['any loopback', '127.255.1.2'],
    ['a private network', '10.1.2.3'],
    ['a metadata service', '169.254.169.254'],
    ['the unspecified address', '0.0.0.0'],
    ['IPv6 loopback', '::1'],
    ['IPv6 loopback in full', '0:0:0:0:0:0:0:1'],
    ['a unique local address', 'fd00::1'],
    ['a link-local address', 'fe80::1'],
    ['an IPv4-mapped address', '::ffff:127.0.0.1'],
    ['an IPv4-mapped address in hexadecimal', '::ffff:a00:1'],
    ['an IPv4-compatible address', '::10.0.0.1'],
    ['an IPv4-translated address', '::ffff:0:10.0.0.1'],
    ['NAT64', '64:ff9b::10.0.0.1'],
    ['NAT64 for local use', '64:ff9b:1::10.0.0.1'],
    ['6to4', '2002:7f00:1::1'],
    ['Teredo', '2001:0:808:808::f5ff:fffe'],
    ['ISATAP', '2a00::5efe:10.0.0.1'],
    ['what is no address', 'localhost'],
    ['nothing', ''],
  ])('denies %s', (_name, address) => {
    expect(standard.denies(address)).toBe(true);
  });

  it.each([
    ['IPv4', '8.8.8.8'],
    ['IPv6', '2606:4700::1111'],
    ['IPv4-mapped', '::ffff:8.8.8.8'],
    ['NAT64', '64:ff9b::8.8.8.8'],
    ['6to4', '2002:808:808::1'],
  ])('lets public addresses through: %s', (_name, address) => {
    expect(standard.denies(address)).toBe(false);
  });

  it('finds the IPv4 address in a Teredo client or server', () => {
    const denylist = new IpDenylist(['10.0.0.0/8']);
    expect(denylist.denies('2001:0:808:808::f5ff:fffe')).toBe(true); // 10.0.0.1 inverted
    expect(denylist.denies('2001:0:a00:1::f7f7:f7f7')).toBe(true);
    expect(denylist.denies('2001:0:808:808::f7f7:f7f7')).toBe(false);
  });

  it('allows everything when it is empty', () => {
    expect(new IpDenylist([]).denies('127.0.0.1')).toBe(false);
  });

  it('takes single addresses, and IPv4 ranges written as IPv6', () => {
    const denylist = new IpDenylist(['1.2.3.4', '::ffff:9.0.0.0/104', '2a00::1']);
    expect(denylist.denies('1.2.3.4')).toBe(true);
    expect(denylist.denies('::ffff:1.2.3.4')).toBe(true);
    expect(denylist.denies('1.2.3.5')).toBe(false);
    expect(denylist.denies('9.9.9.9')).toBe(true);
    expect(denylist.denies('2a00::1')).toBe(true);
    expect(denylist.denies('2a00::2')).toBe(false);
  });

  it('refuses what is no range', () => {
    expect(() => new IpDenylist(['example.com'])).toThrow(Error);
  });
});
