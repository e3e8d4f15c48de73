import type { IngestDocument } from '../core/document.ts';
import type { Cancel, LocalModel } from './local-model.ts';
import type { CountedOutput, DoneWith, TextRequest } from './text-request.ts';

/** Infers for a document; taken back where whoever waits for the document goes away. */
export const inferFor = <Request extends TextRequest, Output extends CountedOutput>(
  { underWay }: IngestDocument,
  model: LocalModel<Request, Output>,
  request: Request,
  done: DoneWith<Output>,
): void => {
  if (underWay === undefined) return void model.infer(request, done);
  let cancel: Cancel | undefined;
  let ended = false;
  cancel = model.infer(request, (error, output) => {
    ended = true;
    // It may be known already, and the answer come before there is anything to take back.
    if (cancel !== undefined) underWay.delete(cancel);
    done(error, output);
  });
  if (!ended) underWay.add(cancel);
};
