/** A container's devices: those given by path, and those that a specification of the host describes (CDI). */
export interface DeviceSpec {
  readonly host: string;
  readonly container: string;
  readonly access: string;
  /** Absent: as on the host. */
  readonly fileMode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** As Docker keeps `--gpus`, and `--device VENDOR/CLASS=NAME` with the driver 'cdi'. */
export interface DeviceRequest {
  readonly driver: string;
  /** -1 is all. */
  readonly count: number;
  readonly ids?: readonly string[];
  readonly capabilities?: readonly string[];
  readonly options?: Readonly<Record<string, string>>;
}
