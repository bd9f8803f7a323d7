// The import arrows of the house: hosts → core → proxy → {protocols, scanner, interception, certificates,
// applications, storage} → contract. Rooms in braces never import each other.
const main = (room) => `^src-main/${room}/`;
const braces = ['protocols', 'scanner', 'interception', 'certificates', 'applications', 'storage'];
const only = (name, from, allowed) => ({
  name,
  severity: 'error',
  from: { path: from },
  to: { path: '^src-', pathNot: allowed },
});

module.exports = {
  forbidden: [
    only('contract-stands-alone', main('contract'), main('contract')),
    {
      name: 'contract-imports-zod-and-orpc-contract-alone',
      severity: 'error',
      from: { path: main('contract'), pathNot: '\\.test\\.ts$' },
      to: { dependencyTypesNot: ['local'], pathNot: 'node_modules/(zod|@orpc/contract)/' },
    },
    {
      name: 'protocols-import-no-packages',
      severity: 'error',
      from: { path: main('protocols'), pathNot: '\\.test\\.ts$' },
      to: { dependencyTypesNot: ['local'] },
    },
    ...braces.map((room) => only(`${room}-knows-only-contract`, main(room), [main(room), main('contract')])),
    only('proxy-knows-the-rooms', main('proxy'), [main('(proxy|contract)'), ...braces.map(main)]),
    only('core-knows-no-host', main('core'), [main('(core|proxy|contract)'), ...braces.map(main)]),
    only('hosts-know-the-core-alone', '^src-main/hosts/(?!(netfilter|trust)-helper/)', [
      '^src-main/hosts/(?!(netfilter|trust)-helper/)',
      main('(core|contract)'),
      '\\.fixture\\.ts$',
    ]),
    // What runs with root's rights is a host of its own kind: no core, no other host, no package.
    only('netfilter-helper-knows-netfilter-alone', main('hosts/netfilter-helper'), [
      main('(hosts/netfilter-helper|interception/linux|contract)'),
      '^src-main/applications/identity\\.ts$',
    ]),
    {
      name: 'trust-helper-knows-stores-alone',
      severity: 'error',
      from: { path: main('hosts/trust-helper'), pathNot: '\\.(test|fixture)\\.ts$' },
      to: {
        path: '^src-',
        pathNot: [main('(hosts/trust-helper|contract)'), '^src-main/certificates/trust-stores/store\\.ts$'],
      },
    },
    {
      name: 'helpers-import-no-packages',
      severity: 'error',
      from: { path: main('hosts/(netfilter|trust)-helper'), pathNot: '\\.test\\.ts$' },
      to: { dependencyTypesNot: ['local', 'core'] },
    },
    only('renderer-knows-the-contract-alone', '^src-renderer/', ['^src-renderer/', main('contract')]),
    {
      name: 'electron-in-its-host-alone',
      severity: 'error',
      from: { path: '^src-', pathNot: main('hosts/electron') },
      to: { path: 'node_modules/electron/' },
    },
    {
      name: 'one-wrapper-file-each',
      severity: 'error',
      from: {
        path: '^src-',
        pathNot:
          'certificates/forge\\.ts$|scanner/(message-summary|unpack/documents/links)\\.ts$|scanner/engines/yara-x\\.ts$|scanner/sandbox/(seven-zip-module|archives\\.fixture)\\.ts$|interception/linux/(original-destination|socket-owner)\\.ts$|\\.test\\.ts$',
      },
      to: { path: 'node_modules/(@types/)?(node-forge|mailparser|@litko|koffi|7z-wasm|tldts)/' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-unresolvable',
      severity: 'error',
      from: { path: '^(src|e2e|bench|fuzz|scripts)' },
      to: { couldNotResolve: true, pathNot: '[.]css$|^electron$' },
    },
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)out/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
