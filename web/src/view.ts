// What a view is, and what it gets.
import type { Subscription, TapEvent } from './api';
import type { Store } from './store';

export interface Context {
  store: Store;
  go(hash: string): void;
  /** Polite words for those who listen. */
  announce(words: string): void;
}
export interface Batch {
  events: TapEvent[];
  /** Left out by the daemon because more came than were asked for. */
  sampledOut: number;
}
export interface View {
  title: string;
  el: HTMLElement;
  /** What events it wants; none: snapshots only. */
  subscription?: Subscription;
  /** A snapshot came, or the state of the connection changed. */
  update(): void;
  events?(batch: Batch): void;
  /** Events may be missing from here on; what follows has numbers over `seq`. */
  gap?(seq: number): void;
  /** Handles a key that no field took; true if it did. */
  key?(event: KeyboardEvent): boolean;
  /** The rest of the address changed, the view stays; false: build it anew. */
  route?(rest: string[]): boolean;
  destroy?(): void;
}
export type MakeView = (context: Context, rest: string[]) => View;
