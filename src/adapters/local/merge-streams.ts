/** Values of several endless streams as they come. */
export async function* mergeStreams<T>(streams: readonly AsyncIterator<T>[]): AsyncGenerator<T> {
  const pending = new Map(streams.map((stream) => [stream, advance(stream)] as const));
  while (pending.size > 0) {
    const { stream, result } = await Promise.race(pending.values());
    if (result.done === true) {
      pending.delete(stream);
    } else {
      pending.set(stream, advance(stream));
      yield result.value;
    }
  }
}

async function advance<T>(stream: AsyncIterator<T>): Promise<{ stream: AsyncIterator<T>; result: IteratorResult<T> }> {
  return { stream, result: await stream.next() };
}
