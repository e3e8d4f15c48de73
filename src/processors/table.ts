import type { ProcessorTable } from '../pipeline/definition.ts';
import { drop } from './drop.ts';
import { inference } from './inference.ts';
import { set } from './set.ts';

/** Every processor that a pipeline may name. */
export const PROCESSORS: ProcessorTable = { drop, inference, set };
