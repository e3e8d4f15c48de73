import { leastBytes } from './compile.ts';
import type { AvroInput } from './input.ts';
import type { AvroSchema } from './schema.ts';

/** Moves over one value without making anything of it. */
export type Skip = (input: AvroInput) => void;

/** A function that finds the end of a value of a schema. */
export const compileSkip = (schema: AvroSchema, skips: Map<AvroSchema, Skip> = new Map()): Skip => {
  const known = skips.get(schema);
  if (known !== undefined) return known;
  const made = compileNew(schema, skips);
  skips.set(schema, made);
  return made;
};

const compileNew = (schema: AvroSchema, skips: Map<AvroSchema, Skip>): Skip => {
  switch (schema.kind) {
    case 'record': {
      const fields: Skip[] = [];
      const skip: Skip = (input) => {
        input.enter();
        for (const field of fields) field(input);
        input.leave();
      };
      skips.set(schema, skip);
      for (const field of schema.fields) fields.push(compileSkip(field.schema, skips));
      return skip;
    }
    case 'array': {
      const item = compileSkip(schema.items, skips);
      return skipBlocks(leastBytes(schema.items), item);
    }
    case 'map': {
      const value = compileSkip(schema.values, skips);
      return skipBlocks(1 + leastBytes(schema.values), (input) => {
        input.take(input.length());
        value(input);
      });
    }
    case 'union': {
      const branches = schema.branches.map((branch) => compileSkip(branch, skips));
      return (input) => {
        const index = input.length();
        const skip = branches[index];
        if (skip === undefined) input.fail(`branch ${index} of a union of ${branches.length}`);
        else skip(input);
      };
    }
    case 'null':
      return () => {};
    case 'boolean':
      return (input) => void input.take(1);
    case 'int':
    case 'long':
    case 'enum':
      return (input) => void input.long();
    case 'float':
      return (input) => void input.take(4);
    case 'double':
      return (input) => void input.take(8);
    case 'fixed':
      return (input) => void input.take(schema.size);
    case 'bytes':
    case 'string':
      return (input) => void input.take(input.length());
  }
};

const skipBlocks =
  (least: number, item: Skip): Skip =>
  (input) => {
    input.enter();
    for (let count = input.blockToSkip(least); count > 0; count = input.blockToSkip(least))
      for (let at = 0; at < count; at += 1) item(input);
    input.leave();
  };
