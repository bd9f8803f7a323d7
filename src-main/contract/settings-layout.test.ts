import { describe, expect, it } from 'vitest';
import { isListRow, pagesOf, rowsOf } from './layout-nodes.ts';
import { readSetting } from './setting-path.ts';
import {
  appearanceSchema,
  defaultSettings,
  responseSchema,
  type SectionName,
  sectionSchemas,
  tlsSchema,
} from './settings.ts';
import { settingsTree } from './settings-layout.ts';

const pages = pagesOf(settingsTree);
const rows = pages.flatMap(({ page }) => rowsOf(page));

describe('settings layout', () => {
  it('has a place for every setting, and one alone', () => {
    const all = (Object.keys(sectionSchemas) as SectionName[]).flatMap((section) =>
      Object.keys(sectionSchemas[section].shape).map((key) => `${section}.${key}`),
    );
    expect(rows.map((row) => row.path).toSorted()).toEqual(all.toSorted());
  });

  it('knows the mail transport page by its help id, below its groups', () => {
    const placed = pages.find(({ page }) => page.helpId === 'CONFIG_EPFW_SCAN_IMAP');
    expect(placed?.groups.map((group) => group.label)).toEqual([
      'tree.protections',
      'tree.email-client-protection',
    ]);
  });

  it('has the response beside it', () => {
    const placed = pages.find(({ page }) => page.helpId === 'CONFIG_RESPONSE');
    expect(placed?.groups).toEqual(pages[0]?.groups);
  });

  it('has SSL/TLS beside the protection of mail programs, below Protections', () => {
    const placed = pages.find(({ page }) => page.helpId === 'CONFIG_SSL_TLS');
    expect(placed?.groups.map((group) => group.label)).toEqual(['tree.protections']);
    expect(placed && rowsOf(placed.page).filter((row) => row.master !== 'tls.enabled')).toMatchObject([
      { path: 'tls.enabled' },
    ]);
  });

  it('gives no id twice', () => {
    const nodes = new Set(pages.flatMap(({ page, groups }) => [page, ...groups]));
    expect(new Set([...nodes].map(({ id }) => id)).size).toBe(nodes.size);
  });

  it('greys rows by a toggle of the same page that is no child itself', () => {
    for (const { page } of pages) {
      for (const row of rowsOf(page)) {
        if (row.master === undefined) continue;
        const master = rowsOf(page).find((each) => each.path === row.master);
        expect(master?.kind).toBe('toggle');
        expect(master?.master).toBeUndefined();
      }
    }
  });

  it('calls lists those rows whose values are lists', () => {
    for (const row of rows)
      expect(isListRow(row)).toBe(Array.isArray(readSetting(defaultSettings, row.path)));
  });

  it('offers every choice that the schema knows', () => {
    const offered = (path: string) =>
      rows.flatMap((row) =>
        row.kind === 'choice' && row.path === path ? row.options.map((each) => each.value) : [],
      );
    expect(offered('appearance.language')).toEqual(appearanceSchema.shape.language.options);
    expect(offered('appearance.theme')).toEqual(appearanceSchema.shape.theme.options);
    expect(offered('mailTransport.whenStopped')).toEqual(
      sectionSchemas.mailTransport.shape.whenStopped.options,
    );
    expect(offered('response.delivery')).toEqual(responseSchema.shape.delivery.options);
    expect(offered('response.tagMessages')).toEqual(responseSchema.shape.tagMessages.options);
    expect(offered('tls.mode')).toEqual(tlsSchema.shape.mode.options);
    expect(offered('tls.whenUntrusted')).toEqual(tlsSchema.shape.whenUntrusted.options);
    expect(offered('tls.whenInvalid')).toEqual(tlsSchema.shape.whenInvalid.options);
    expect(offered('tls.minVersion')).toEqual(tlsSchema.shape.minVersion.options);
  });
});
