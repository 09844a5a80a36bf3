// Package contrib is the root of the module for what needs heavy libraries (metrics,
// tracing, tokens), so that users of the core do not inherit them. Each integration is
// a package below this one.
package contrib
