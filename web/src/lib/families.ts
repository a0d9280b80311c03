// Message types in six families: as many colours as an eye keeps apart.
export interface Family {
  id: string;
  name: string;
  what: string;
}
export const FAMILIES: readonly Family[] = [
  { id: 'inv', name: 'Announcements', what: 'inv, getdata, notfound' },
  { id: 'tx', name: 'Transactions', what: 'tx, mempool, feefilter' },
  { id: 'block', name: 'Blocks', what: 'headers, block, cmpctblock, filters and their requests' },
  { id: 'addr', name: 'Addresses', what: 'addr, addrv2, getaddr' },
  { id: 'ping', name: 'Pings', what: 'ping, pong' },
  { id: 'other', name: 'Handshake and other', what: 'version, verack, send…, unknown types' },
];
const OF: Record<string, number> = {};
const put = (family: number, types: string): void => types.split(' ').forEach((type) => (OF[type] = family));
put(0, 'inv getdata notfound');
put(1, 'tx mempool feefilter');
put(
  2,
  'headers getheaders getblocks block cmpctblock getblocktxn blocktxn merkleblock cfilter getcfilters cfheaders getcfheaders cfcheckpt getcfcheckpt',
);
put(3, 'addr addrv2 getaddr');
put(4, 'ping pong');
/** Index into FAMILIES of a message type. */
export const familyOf = (type: string): number => (Object.hasOwn(OF, type) ? OF[type]! : 5);
