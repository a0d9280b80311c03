// The WebSocket: one subscription at a time, back by itself when it is lost, from the sequence number where it was.
import { SNAPSHOTS_ONLY, type ServerFrame, type Subscription } from './api';
import { Reconnect, type Status } from './lib/reconnect';

export interface ConnectionHandlers {
  frame(frame: ServerFrame): void;
  status(status: Status): void;
}

export class Connection {
  readonly #reconnect = new Reconnect();
  #socket: WebSocket | undefined;
  #subscription: Subscription = SNAPSHOTS_ONLY;
  #seq = 0;
  #timer = 0;
  #shown: Status | undefined;

  constructor(
    readonly url: string,
    readonly handlers: ConnectionHandlers,
  ) {}

  start(): void {
    this.#connect();
    this.#timer = window.setInterval(() => this.#tick(), 250);
    window.addEventListener('online', () => this.hurry());
  }
  stop(): void {
    window.clearInterval(this.#timer);
    this.#socket?.close();
  }
  get seq(): number {
    return this.#seq;
  }
  hurry(): void {
    this.#reconnect.hurry(performance.now());
    this.#tick();
  }
  subscribe(subscription: Subscription): void {
    this.#subscription = subscription;
    this.#seq = 0; // numbers are of one subscription
    if (this.#socket?.readyState === WebSocket.OPEN) this.#send();
  }

  #tick(): void {
    const now = performance.now();
    const due = this.#reconnect.due(now);
    if (due === 'connect') this.#connect();
    if (due === 'abandon') this.#drop('Nothing was heard for a while.');
    this.#tell();
  }
  #tell(): void {
    if (this.#shown === this.#reconnect.status) return;
    this.#shown = this.#reconnect.status;
    this.handlers.status(this.#shown);
  }
  #connect(): void {
    this.#reconnect.connecting(performance.now());
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    socket.onopen = () => socket === this.#socket && this.#send(this.#seq);
    socket.onmessage = (message) => socket === this.#socket && this.#take(message.data);
    socket.onclose = (close) => socket === this.#socket && this.#drop(close.reason || 'The daemon closed the connection.');
    this.#tell();
  }
  #drop(reason: string): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    this.#reconnect.closed(performance.now(), reason);
    this.#tell();
  }
  /** After a loss from where we were; else, if the view wants the past, from the first event that is held. */
  #send(resumeFrom = 0): void {
    const { filter, decode, events = true, max_events_per_s, look_back } = this.#subscription;
    const resume = resumeFrom > 0 ? resumeFrom : look_back ? 1 : 0;
    this.#socket?.send(
      JSON.stringify({ type: 'subscribe', filter, decode, events, max_events_per_s, snapshot: true, ...(resume > 0 ? { resume_after: resume } : {}) }),
    );
  }
  #take(data: unknown): void {
    let frame: ServerFrame;
    try {
      frame = JSON.parse(String(data)) as ServerFrame;
    } catch {
      return; // not ours; the next one may be
    }
    this.#reconnect.heard(performance.now());
    if (frame.type === 'hello') {
      // Resumed: what comes next follows on what we have. Else counting begins anew: another subscription, another life of the daemon.
      if (!frame.resumed) this.#seq = frame.seq ?? 0;
    } else if (frame.type === 'events') {
      this.#seq = frame.events.at(-1)?.seq ?? this.#seq;
    } else if (frame.type === 'moved') {
      this.#seq = frame.seq;
    }
    this.#tell();
    this.handlers.frame(frame);
  }
}
