// The few functions of Windows that a program calls before it is unpacked. Whatever else it calls, it has begun its
// real work, and is left alone.
import { eax, esp, type Processor } from './processor.ts';
import { firstFunction, functionBytes, layOutModule, maxFunctions, moduleBase } from './system-module.ts';

const maxNameBytes = 128;

/** Where what is asked for is given, and how much of it in one piece. */
const heapStart = 0x2000_0000;
const maxPieceBytes = 16 * 1024 * 1024;
const pageBytes = 4_096;

const success = 1;
const fileHandle = 0x40;
const programPath = 'C:\\program.exe';

type Argument = (index: number) => number;

/** The number of arguments, and the answer. */
interface Known {
  readonly count: number;
  readonly run: (argument: Argument) => number;
}

const constant = (count: number, value: number): Known => ({ count, run: () => value });

/** More names that the system exports: packers look for them by hashes, and some want all that they may need at once. */
const exportedNames =
  'ContinueDebugEvent CopyFileA CreateMutexA CreateProcessA CreateThread CreateToolhelp32Snapshot DebugActiveProcess DeleteFileA EnterCriticalSection ExitProcess ExitThread FindResourceA GetACP GetCommandLineA GetCurrentDirectoryA GetCurrentThread GetEnvironmentStringsA GetFileAttributesA GetFileType GetOEMCP GetPriorityClass GetStartupInfoA GetStdHandle GetSystemDirectoryA GetTempPathA GetThreadContext GetThreadPriority GetVersion GetVersionExA GetWindowsDirectoryA HeapCreate HeapDestroy InitializeCriticalSection InterlockedDecrement InterlockedIncrement LeaveCriticalSection LoadResource LockResource MultiByteToWideChar OpenMutexA OpenProcess OutputDebugStringA Process32First Process32Next QueryPerformanceCounter RaiseException ReadProcessMemory ResumeThread RtlMoveMemory RtlUnwind SetEvent SetPriorityClass SetThreadContext SetThreadPriority SizeofResource SuspendThread TerminateProcess TerminateThread TlsAlloc TlsGetValue TlsSetValue UnhandledExceptionFilter VirtualAllocEx VirtualQuery WaitForDebugEvent WaitForSingleObject WideCharToMultiByte WriteFile WriteProcessMemory lstrcatA lstrcmpA lstrcmpiA lstrcpyA lstrcpynA lstrlenA'.split(
    ' ',
  );

/** What imported functions of one emulated process do. */
export class Windows {
  readonly #processor: Processor;
  readonly #names: string[] = [];
  readonly #addresses = new Map<string, number>();
  readonly #known: ReadonlyMap<string, Known>;
  #heap = heapStart;
  #filePosition = 0;

  /** `file`: what the program finds when it reads itself. */
  constructor(processor: Processor, imageBase: number, file: Buffer) {
    this.#processor = processor;
    const { memory } = processor;
    const allocate = (sizeArgument: number, count: number): Known => ({
      count,
      run: (argument) => this.#allocate(argument(sizeArgument) >>> 0),
    });
    const moduleOf: Known = {
      count: 1,
      run: (argument) => (argument(0) === 0 ? imageBase : moduleBase),
    };
    this.#known = new Map<string, Known>([
      ['GetModuleHandleA', moduleOf],
      ['GetModuleHandleW', moduleOf],
      ['LoadLibraryA', constant(1, moduleBase)],
      ['LoadLibraryW', constant(1, moduleBase)],
      ['LoadLibraryExA', constant(3, moduleBase)],
      [
        'GetProcAddress',
        {
          count: 2,
          run: (argument) => {
            const name = argument(1) >>> 0;
            return this.addressOf(name < 0x1_0000 ? `#${name}` : memory.string(name, maxNameBytes));
          },
        },
      ],
      ['VirtualAlloc', allocate(1, 4)],
      ['GlobalAlloc', allocate(1, 2)],
      ['LocalAlloc', allocate(1, 2)],
      ['HeapAlloc', allocate(2, 3)],
      ['RtlAllocateHeap', allocate(2, 3)],
      ['GetProcessHeap', constant(0, heapStart)],
      ['VirtualFree', constant(3, success)],
      ['VirtualProtect', constant(4, success)],
      ['GlobalFree', constant(1, 0)],
      ['LocalFree', constant(1, 0)],
      ['HeapFree', constant(3, success)],
      ['GlobalLock', { count: 1, run: (argument) => argument(0) }],
      ['GlobalUnlock', constant(1, success)],
      ['FreeLibrary', constant(1, success)],
      ['CloseHandle', constant(1, success)],
      ['GetTickCount', constant(0, 1)],
      ['GetCurrentProcessId', constant(0, 4)],
      ['GetCurrentThreadId', constant(0, 8)],
      ['GetCurrentProcess', constant(0, -1)],
      ['IsDebuggerPresent', constant(0, 0)],
      ['Sleep', constant(1, 0)],
      ['SetUnhandledExceptionFilter', constant(1, 0)],
      ['SetErrorMode', constant(1, 0)],
      ['GetLastError', constant(0, 0)],
      [
        'GetModuleFileNameA',
        {
          count: 3,
          run: (argument) => {
            memory.load(argument(1), Buffer.from(`${programPath}\0`, 'latin1'));
            return programPath.length;
          },
        },
      ],
      ['CreateFileA', constant(7, fileHandle)],
      ['GetFileSize', constant(2, file.length)],
      [
        'SetFilePointer',
        {
          count: 4,
          run: (argument) => {
            this.#filePosition = argument(1) + (argument(3) === 1 ? this.#filePosition : 0);
            return this.#filePosition;
          },
        },
      ],
      [
        'ReadFile',
        {
          count: 5,
          run: (argument) => {
            const start = Math.max(0, this.#filePosition);
            const octets = file.subarray(start, start + (argument(2) >>> 0));
            memory.load(argument(1), octets);
            this.#filePosition = start + octets.length;
            if (argument(3) !== 0) memory.write32(argument(3), octets.length);
            return success;
          },
        },
      ],
      ['CreateFileMappingA', constant(6, fileHandle)],
      [
        'MapViewOfFile',
        {
          count: 5,
          run: () => {
            const address = this.#allocate(file.length);
            if (address !== 0) memory.load(address, file);
            return address;
          },
        },
      ],
      ['UnmapViewOfFile', constant(1, success)],
    ]);
    for (const name of [...this.#known.keys(), ...exportedNames]) this.addressOf(name);
    layOutModule(memory, this.#names);
  }

  /** Where a function seems to be; 0 when too many were asked for. */
  addressOf(name: string): number {
    const found = this.#addresses.get(name);
    if (found !== undefined) return found;
    if (this.#names.length >= maxFunctions) return 0;
    const address = firstFunction + this.#names.length * functionBytes;
    this.#names.push(name);
    this.#addresses.set(name, address);
    return address;
  }

  isFunction(address: number): boolean {
    return address >= firstFunction && address < firstFunction + this.#names.length * functionBytes;
  }

  /** Does what the function at EIP does, and returns from it (stdcall); false: it is none of those. */
  call(): boolean {
    const processor = this.#processor;
    const name = this.#names[Math.floor((processor.eip - firstFunction) / functionBytes)] ?? '';
    const known = this.#known.get(name);
    if (!known) return false;
    const back = processor.pop();
    const top = processor.registers[esp] as number;
    const argument = (index: number) => processor.memory.read32((top + 4 * index) | 0);
    processor.registers[eax] = known.run(argument);
    processor.registers[esp] = top + 4 * known.count;
    processor.eip = back;
    return !processor.memory.fault;
  }

  #allocate(sizeBytes: number): number {
    const pages = Math.ceil(Math.max(1, sizeBytes) / pageBytes);
    if (sizeBytes > maxPieceBytes) return 0;
    const address = this.#heap;
    if (!this.#processor.memory.map(address, pages * pageBytes)) return 0;
    // A page without memory behind each piece.
    this.#heap += (pages + 1) * pageBytes;
    return address;
  }
}
