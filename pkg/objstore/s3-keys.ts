// The keys a request to S3 is signed with.

export interface S3Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
  /** '' = none. */
  readonly sessionToken: string;
}

export interface ExpiringCredentials extends S3Credentials {
  /** Milliseconds since the epoch; undefined = never. */
  readonly expiresAt?: number;
}

/** The process environment. */
export type Env = Readonly<Record<string, string | undefined>>;
