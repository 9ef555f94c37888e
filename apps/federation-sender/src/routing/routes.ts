import type { RoutedRoom } from '@atoll/database';
import type { ServerName } from '@atoll/matrix';
import type { QueuedEvent } from '../sending/destination.js';

/** Events of a stretch of the stream that are meant for one destination. */
export interface Route {
  readonly destination: ServerName;
  readonly partition: number;
  /** In the order of their positions. */
  readonly events: QueuedEvent[];
}

/** Where the events of one stretch of the stream go. */
export class Routes {
  readonly #routes = new Map<ServerName, Route>();
  readonly #rooms = new Map<string, { -readonly [Key in keyof RoutedRoom]: RoutedRoom[Key] }>();

  /** Adds the next event. */
  add(destination: ServerName, partition: number, roomNid: number, event: QueuedEvent): void {
    const route = this.#routes.get(destination);
    if (route) route.events.push(event);
    else this.#routes.set(destination, { destination, partition, events: [event] });
    const { position } = event;
    const key = `${roomNid} ${destination}`;
    const room = this.#rooms.get(key);
    if (room) room.newest = position;
    else this.#rooms.set(key, { destination, partition, roomNid, first: position, newest: position });
  }

  get isEmpty(): boolean {
    return this.#routes.size === 0;
  }

  routes(): Route[] {
    return [...this.#routes.values()];
  }

  rooms(): RoutedRoom[] {
    return [...this.#rooms.values()];
  }

  partitions(): number[] {
    return [...new Set(this.routes().map(({ partition }) => partition))];
  }
}
