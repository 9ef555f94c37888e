import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const TYPES = { A: 1, CNAME: 5, AAAA: 28, SRV: 33 } as const;

export interface ResourceRecord {
  readonly name: string;
  readonly type: keyof typeof TYPES;
  readonly data: Buffer;
}

/** A name in the wire format of DNS. */
export function wireName(name: string): Buffer {
  const labels = name === '.' ? [] : name.split('.').map((label) => Buffer.from(label));
  return Buffer.concat([...labels.flatMap((label) => [Buffer.of(label.length), label]), Buffer.of(0)]);
}

/** The data of an SRV record. */
export function srvData(priority: number, weight: number, port: number, target: string): Buffer {
  const numbers = Buffer.alloc(6);
  [priority, weight, port].forEach((number, index) => numbers.writeUInt16BE(number, index * 2));
  return Buffer.concat([numbers, wireName(target)]);
}

/**
 * A name server on loopback: it follows one alias, says NXDOMAIN for names it does not know and nothing at all for those
 * that end in `.silent`.
 */
export class NameServer {
  readonly #socket: Socket = createSocket('udp4');
  questions = 0;

  constructor(private readonly records: readonly ResourceRecord[]) {
    this.#socket.on('message', (query, peer) => {
      this.questions++;
      const { name, type, end } = readQuestion(query);
      if (name.endsWith('.silent')) return;
      this.#socket.send(this.#answer(query.subarray(0, end), name, type), peer.port, peer.address);
    });
  }

  /** `address:port` */
  async listen(): Promise<string> {
    this.#socket.bind(0, '127.0.0.1');
    await once(this.#socket, 'listening');
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  close(): void {
    this.#socket.close();
  }

  #answer(question: Buffer, name: string, type: number): Buffer {
    const own = this.records.filter((record) => record.name === name);
    const alias = own.find((record) => record.type === 'CNAME');
    const target = alias === undefined ? name : readName(alias.data, 0).name;
    const found = this.records.filter((record) => record.name === target && TYPES[record.type] === type);
    const answers = [...(alias === undefined ? [] : [alias]), ...found];
    const head = Buffer.from(question);
    head.writeUInt16BE(own.length > 0 ? 0x8180 : 0x8183, 2);
    head.writeUInt16BE(answers.length, 6);
    head.writeUInt32BE(0, 8);
    return Buffer.concat([head, ...answers.map(wireRecord)]);
  }
}

function wireRecord({ name, type, data }: ResourceRecord): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(TYPES[type], 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(60, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([wireName(name), fixed, data]);
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const { name, end } = readName(query, 12);
  return { name: name.toLowerCase(), type: query.readUInt16BE(end), end: end + 4 };
}

function readName(bytes: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = [];
  let at = start;
  for (let length = bytes[at] ?? 0; length > 0; length = bytes[at] ?? 0) {
    labels.push(bytes.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.'), end: at + 1 };
}
