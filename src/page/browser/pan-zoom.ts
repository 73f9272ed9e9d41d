/**
 * Pan with the mouse or the arrow keys, zoom with the wheel or + and -, 0 fits everything. On a part of the picture the
 * arrows lead to the next part (nodes.ts), and move the picture with Shift.
 */
const LEAST = 0.05;
const MOST = 4;
/** Pixels around a place that shall be seen. */
const REVEAL = 12;

export class PanZoom {
  private x = 0;
  private y = 0;
  private scale = 1;
  /** The user has moved the picture: later changes leave it where it is. */
  private held = false;
  private size = { width: 1, height: 1 };

  constructor(
    private readonly frame: SVGSVGElement,
    private readonly content: SVGGElement,
  ) {
    frame.addEventListener('wheel', (event) => this.onWheel(event), { passive: false });
    frame.addEventListener('pointerdown', (event) => this.onDown(event));
    frame.addEventListener('keydown', (event) => this.onKey(event));
    new ResizeObserver(() => this.fitUnlessHeld()).observe(frame);
  }

  setSize(width: number, height: number): void {
    this.size = { width, height };
    this.fitUnlessHeld();
  }

  fit(): void {
    this.held = false;
    const { clientWidth, clientHeight } = this.frame;
    if (clientWidth === 0) return;
    const margin = 24;
    const whole = Math.min(
      (clientWidth - margin) / this.size.width,
      (clientHeight - margin) / this.size.height,
    );
    // Text stays legible: what does not fit is reached by panning.
    this.scale = Math.max(0.55, Math.min(1.6, whole));
    this.x = Math.max(margin / 2, (clientWidth - this.size.width * this.scale) / 2);
    this.y = margin / 2;
    this.apply();
  }

  zoom(factor: number, at = this.middle()): void {
    this.held = true;
    const scale = Math.max(LEAST, Math.min(MOST, this.scale * factor));
    this.x = at.x - ((at.x - this.x) * scale) / this.scale;
    this.y = at.y - ((at.y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.apply();
  }

  /** Moves until this place of the picture is in the middle. */
  centre(x: number, y: number): void {
    this.held = true;
    const middle = this.middle();
    this.x = middle.x - x * this.scale;
    this.y = middle.y - y * this.scale;
    this.apply();
  }

  /** Moves no more than this place needs to be seen. */
  reveal(x: number, y: number): void {
    const [left, top] = [this.x + x * this.scale, this.y + y * this.scale];
    const { clientWidth, clientHeight } = this.frame;
    const within = (at: number, length: number): number =>
      Math.max(Math.min(at, length - REVEAL), Math.min(REVEAL, length / 2)) - at;
    const [dx, dy] = [within(left, clientWidth), within(top, clientHeight)];
    if (dx === 0 && dy === 0) return;
    this.held = true;
    this.x += dx;
    this.y += dy;
    this.apply();
  }

  private fitUnlessHeld(): void {
    if (!this.held) this.fit();
  }

  private middle(): { x: number; y: number } {
    return { x: this.frame.clientWidth / 2, y: this.frame.clientHeight / 2 };
  }

  private apply(): void {
    this.content.setAttribute('transform', `translate(${this.x} ${this.y}) scale(${this.scale})`);
  }

  private onWheel(event: WheelEvent): void {
    event.preventDefault();
    const { left, top } = this.frame.getBoundingClientRect();
    this.zoom(Math.exp(-event.deltaY / 400), { x: event.clientX - left, y: event.clientY - top });
  }

  private onDown(down: PointerEvent): void {
    if (down.button !== 0) return;
    let [x, y] = [down.clientX, down.clientY];
    let moved = false;
    const onMove = (event: PointerEvent): void => {
      if (!moved && Math.hypot(event.clientX - x, event.clientY - y) < 4) return;
      if (!moved) this.frame.setPointerCapture(down.pointerId);
      moved = true;
      this.held = true;
      this.x += event.clientX - x;
      this.y += event.clientY - y;
      [x, y] = [event.clientX, event.clientY];
      this.apply();
    };
    this.frame.addEventListener('pointermove', onMove);
    this.frame.addEventListener('pointerup', () => this.frame.removeEventListener('pointermove', onMove), {
      once: true,
    });
  }

  private onKey(event: KeyboardEvent): void {
    const STEP = 60;
    const moves: Readonly<Record<string, readonly [number, number]>> = {
      ArrowLeft: [STEP, 0],
      ArrowRight: [-STEP, 0],
      ArrowUp: [0, STEP],
      ArrowDown: [0, -STEP],
    };
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const isPan = event.target === this.frame || event.shiftKey;
    const move = isPan ? moves[event.key] : undefined;
    if (move !== undefined) {
      this.held = true;
      this.x += move[0];
      this.y += move[1];
      this.apply();
    } else if (event.key === '+' || event.key === '=') this.zoom(1.25);
    else if (event.key === '-') this.zoom(0.8);
    else if (event.key === '0') this.fit();
    else return;
    event.preventDefault();
  }
}
