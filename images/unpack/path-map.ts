/**
 * A map from real paths to values, kept as the tree that the paths are: a directory goes with all below it for the
 * price of what goes, and a hundred thousand paths with one long beginning hold that beginning once. A layer chooses
 * its own paths, so neither may cost more than the layer's size.
 */
interface Node<T> {
  value: T | undefined;
  children: Map<string, Node<T>> | undefined;
}

export class PathMap<T extends object | string | true> {
  private root: Node<T> = { value: undefined, children: undefined };
  private count = 0;

  get size(): number {
    return this.count;
  }

  get(path: string): T | undefined {
    return this.getAt(componentsOf(path));
  }

  has(path: string): boolean {
    return this.count > 0 && this.get(path) !== undefined;
  }

  getAt(components: readonly string[]): T | undefined {
    let node: Node<T> | undefined = this.root;
    for (const name of components) {
      node = node.children?.get(name);
      if (node === undefined) return undefined;
    }
    return node.value;
  }

  set(path: string, value: T): void {
    let node = this.root;
    for (const name of componentsOf(path)) {
      node.children ??= new Map();
      let child = node.children.get(name);
      if (child === undefined) {
        child = { value: undefined, children: undefined };
        node.children.set(owned(name, path), child);
      }
      node = child;
    }
    if (node.value === undefined) this.count += 1;
    node.value = value;
  }

  /** Without what lies below it. */
  delete(path: string): void {
    const node = this.count === 0 ? undefined : this.way(path)?.at(-1);
    if (node?.value === undefined) return;
    node.value = undefined;
    this.count -= 1;
    this.prune(path);
  }

  /** With everything below it; calls `gone` for each. */
  deleteWithin(path: string, gone?: (path: string, value: T) => void): void {
    const node = this.count === 0 ? undefined : this.way(path)?.at(-1);
    if (node === undefined) return;
    visit(node, path, (at, value) => {
      this.count -= 1;
      gone?.(at, value);
    });
    node.value = undefined;
    node.children = undefined;
    this.prune(path);
  }

  /** Whether this path or a directory above it has a value of that kind. */
  someOnWay(path: string, fits: (value: T) => boolean): boolean {
    let node: Node<T> | undefined = this.root;
    if (node.value !== undefined && fits(node.value)) return true;
    for (const name of componentsOf(path)) {
      node = node.children?.get(name);
      if (node === undefined) return false;
      if (node.value !== undefined && fits(node.value)) return true;
    }
    return false;
  }

  /** Children come before their directory. */
  forEach(work: (path: string, value: T) => void): void {
    visit(this.root, '', work);
  }

  /** From the root to the path; undefined if there is no such node. */
  private way(path: string): Node<T>[] | undefined {
    const way = [this.root];
    for (const name of componentsOf(path)) {
      const child = way.at(-1)?.children?.get(name);
      if (child === undefined) return undefined;
      way.push(child);
    }
    return way;
  }

  /** Removes empty nodes, from the path upwards. */
  private prune(path: string): void {
    const names = componentsOf(path);
    const way = this.way(path) ?? [];
    for (let depth = way.length - 1; depth > 0; depth--) {
      const node = way[depth];
      if (node?.value !== undefined || (node?.children?.size ?? 0) > 0) return;
      way[depth - 1]?.children?.delete(names[depth - 1] ?? '');
    }
  }
}

function visit<T>(node: Node<T>, path: string, work: (path: string, value: T) => void): void {
  for (const [name, child] of node.children ?? []) visit(child, path === '' ? name : `${path}/${name}`, work);
  if (node.value !== undefined) work(path, node.value);
}

function componentsOf(path: string): readonly string[] {
  return path === '' ? [] : path.split('/');
}

/** A piece of a string keeps the whole string in memory; a copy does not. */
function owned(name: string, path: string): string {
  return path.length > 256 ? Buffer.from(name, 'latin1').toString('latin1') : name;
}
