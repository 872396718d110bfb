import protobufjs from 'protobufjs'
import type { Json } from '../../core/index.ts'
import { type CodecEntry, type CodecShape, POOL } from './entry.ts'
import { ourSide } from './telemetry.ts'

const SCHEMA = `
syntax = "proto3";
package acme;
message Report {
  enum State { STATE_UNKNOWN = 0; STATE_OPEN = 1; STATE_CLOSED = 2; }
  message Reading {
    uint32 t = 1;
    double temp = 2;
    float humidity = 3;
    State door = 4;
    string site = 5;
    sint32 count = 6;
  }
  string gateway = 1;
  int64 ts = 2;
  repeated Reading readings = 3;
  repeated sint32 samples = 4;
  bytes digest = 5;
  bool alarm = 6;
  map<string, double> levels = 7;
}`

function report(n: number, readings: number): Json {
  return {
    gateway: 'gw-hall-7',
    ts: String(1_700_000_000_000 + n),
    readings: Array.from({ length: readings }, (_, index) => ({
      t: 10 + index,
      temp: -18.25 - ((n + index) % 200) / 100,
      humidity: 40.5 + index,
      door: index % 3 === 0 ? 'STATE_OPEN' : 'STATE_CLOSED',
      site: `hall-${index}`,
      count: index * 1_000 - n - 1,
    })),
    samples: [n, -1 - n, 300, -70_000],
    digest: 'AAECAwQFBgc=',
    alarm: true,
    levels: { low: 0.5, high: 2.5 },
  }
}

const SHAPES: readonly CodecShape[] = [
  {
    name: '1 reading',
    values: Array.from({ length: POOL }, (_, n) => report(n, 1)),
    messages: undefined,
  },
  {
    name: '40 readings',
    values: Array.from({ length: POOL }, (_, n) => report(n, 40)),
    messages: undefined,
  },
]

const AS_JSON = { longs: String, enums: String, bytes: String }

/**
 * Protobuf beside protobufjs, from bytes to what JSON says and back: its classes are made by code that it generates when it
 * starts, the same that its static modules have. Where generated code is forbidden it does without, and so do we always.
 */
export const protobufEntry: CodecEntry = {
  codec: 'protobuf',
  shapes: SHAPES,
  sides: [
    ourSide({ type: 'protobuf', descriptor: SCHEMA, message: 'acme.Report' }),
    {
      name: 'protobufjs',
      load() {
        const type = protobufjs.parse(SCHEMA).root.lookupType('acme.Report')
        return Promise.resolve({
          decode: (bytes) => type.toObject(type.decode(bytes), AS_JSON),
          encode: (value) => type.encode(type.fromObject(Object(value))).finish(),
          isRight: undefined,
        })
      },
    },
  ],
}
