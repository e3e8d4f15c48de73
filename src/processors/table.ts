import type { ProcessorTable } from '../pipeline/definition.ts';
import { append } from './append.ts';
import { convert } from './convert.ts';
import { date } from './date.ts';
import { drop } from './drop.ts';
import { fail } from './fail.ts';
import { foreach } from './foreach.ts';
import { gsub } from './gsub.ts';
import { inference } from './inference.ts';
import { join } from './join.ts';
import { json } from './json.ts';
import { lowercase } from './lowercase.ts';
import { pipeline } from './pipeline.ts';
import { remove } from './remove.ts';
import { rename } from './rename.ts';
import { set } from './set.ts';
import { split } from './split.ts';
import { trim } from './trim.ts';
import { uppercase } from './uppercase.ts';

/** Every processor that a pipeline may name. */
export const PROCESSORS: ProcessorTable = {
  append,
  convert,
  date,
  drop,
  fail,
  foreach,
  gsub,
  inference,
  join,
  json,
  lowercase,
  pipeline,
  remove,
  rename,
  set,
  split,
  trim,
  uppercase,
};
