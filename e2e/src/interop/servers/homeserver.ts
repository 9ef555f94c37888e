/** A homeserver of the run: a process on this machine that can be stopped and started again on its data. */
export interface Homeserver {
  /** As in the report. */
  readonly name: string;
  readonly kind: ServerKind;
  readonly serverName: string;
  readonly clientUrl: string;
  readonly logFile: string;
  /** Whether a line of the log says that something was refused or went wrong. */
  complains(logLine: string): boolean;
  /** Resolves when the server answers clients. @throws Error with the end of its log */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** The programs that can take part. */
export type ServerKind = 'atoll' | 'synapse';

/** What every homeserver of a run is given. */
export interface Surroundings {
  /** An empty folder for its data, which stays for those who want to read the log. */
  readonly folder: string;
  readonly certificates: CertificateFiles;
  /** The Python that has Synapse installed. */
  readonly python: string;
}

/** PEM files: the certificate of `localhost`, its key, and the authority that signed it. */
export interface CertificateFiles {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}
