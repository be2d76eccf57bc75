import type { Event } from '../core/event.ts';

/** Takes events; never throws and never answers. */
export type EventSink = (event: Event) => void;
