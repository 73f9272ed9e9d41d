/** Docker's own configuration file, as far as registries are concerned, and the credentials in it. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** A refresh token, exchanged for access tokens in the password's place. */
  readonly identityToken?: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface DockerConfig {
  readonly auths?: Readonly<Record<string, AuthEntry>>;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string>>;
}

export interface AuthEntry {
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
}
