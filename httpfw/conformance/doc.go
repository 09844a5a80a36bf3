// Package conformance holds no code, only tests: what a client may send to a server of
// package httpfw over TCP, by the sections of RFC 9110 and RFC 9112, and what has to come
// of it. A case is a row of data (vector); driver_test.go sends each of them to a handler
// of Heddle's and to a mounted http.Handler, whole, behind a good request, byte by byte
// and cut in two at every byte.
//
// The files follow the course of a request: requestline, field, length, chunk, after (the
// reply), reply, then volume, time, tunnel and cancel for limits and lives. docs/SECURITY.md
// says why the rules are what they are.
package conformance
