import { copyRefusal } from './session-unit.ts';
import { backendFrames, errorResponse } from './wire-frames.ts';

/** Leaves out CopyInResponse, after which a client would send data, and names the error for what it is. */
export function refuseCopy(answer: Buffer): Buffer {
  const frames = [...backendFrames(answer)];
  const start = frames.findIndex((frame) => frame.type === 'G');
  if (start < 0) return answer;
  const refused = frames.flatMap((frame, index) => {
    if (index === start) return [];
    return [frame.type === 'E' && index > start ? errorResponse('ERROR', '0A000', copyRefusal, copyHint) : frame.bytes];
  });
  return Buffer.concat(refused);
}

const copyHint = 'Use INSERT, or run against PostgreSQL in Docker or on a server.';
