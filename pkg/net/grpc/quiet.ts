// grpc-js writes to stderr by itself; whatever it would say reaches us as a failed call or start as well. Imported for
// its effect by all who use the library.

import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';

setLogVerbosity(logVerbosity.NONE);
