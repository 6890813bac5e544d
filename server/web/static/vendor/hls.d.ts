/** What the pages use of it. */
export default class Hls {
  static isSupported(): boolean;
  static Events: { ERROR: string };
  constructor(options: { enableWorker: boolean; liveDurationInfinity: boolean; liveSyncDuration: number });
  loadSource(url: string): void;
  attachMedia(video: HTMLVideoElement): void;
  destroy(): void;
  on(event: string, listener: (event: string, data: { fatal: boolean; details: string }) => void): void;
}
