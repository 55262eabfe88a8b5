// Headless Chromium for the tests of the map: offline, but for loopback, and with every error of a page kept.
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { AxeResults } from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { hangLimitMs } from '../hang-limit.ts';

const screenshots = fileURLToPath(new URL('../../dist/screenshots/', import.meta.url));
const axe = fileURLToPath(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url));

const offline = [
  '--no-sandbox',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-domain-reliability',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

/** Debian's Chromium, or the one that CHROMIUM names. */
export function launchBrowser(): Promise<Browser> {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  if (!existsSync(executablePath)) {
    throw new Error(
      `There is no ${executablePath}. Install it (apt-get install chromium), or set CHROMIUM to another.`,
    );
  }
  return chromium.launch({ executablePath, args: offline });
}

export interface OpenPage {
  readonly page: Page;
  /** Uncaught errors, refused scripts and styles, and dialogs. */
  readonly trouble: string[];
  /** Every server that the page asked. */
  readonly origins: Set<string>;
  close(): Promise<void>;
}

export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(hangLimitMs);
  const page = await context.newPage();
  const trouble: string[] = [];
  const origins = new Set<string>();
  page.on('pageerror', ({ message }) => trouble.push(message));
  page.on('dialog', (dialog) => trouble.push(`dialog ${dialog.message()}`));
  page.on('console', (message) => {
    // Chromium reports a refused change so.
    if (message.type() === 'error' && !message.text().includes('status of 4')) trouble.push(message.text());
  });
  page.on('request', (request) => origins.add(new URL(request.url()).origin));
  await page.goto(url);
  const { hash, searchParams } = new URL(url);
  if (searchParams.has('token')) {
    // Leads to the map, without the fragment.
    await page.waitForURL((now) => !now.searchParams.has('token'));
    if (hash) {
      await page.goto(page.url() + hash);
      await page.reload();
    }
  }
  return { page, trouble, origins, close: () => context.close() };
}

/** What axe-core finds on the page as it is, one line for each element. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(await readFile(axe, 'utf8'));
  const { violations } = await page.evaluate<AxeResults>('axe.run()');
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  );
}

/** To dist/screenshots/. */
export async function screenshot(page: Page, name: string): Promise<void> {
  await mkdir(screenshots, { recursive: true });
  await page.screenshot({ path: `${screenshots}${name}.png` });
}

/** Presses Tab until the element with this accessible name has the focus. */
export async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 500; presses++) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate<string>(
      'document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? ""',
    );
    if (focused.includes(name)) return;
  }
  throw new Error(`Tab does not reach ${name}`);
}
