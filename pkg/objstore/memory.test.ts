import { testBucket } from './conformance.ts';
import { MemoryBucket } from './memory.ts';

testBucket('memory', async () => ({ bucket: new MemoryBucket() }));
