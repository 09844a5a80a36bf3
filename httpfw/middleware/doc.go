// Package middleware has what most services want around their handlers: Logger,
// Recover, RequestID, Timeout, CORS, BasicAuth and BodyLimit.
//
//	app := httpfw.New(httpfw.Config{})
//	app.Use(
//		middleware.Logger(middleware.LoggerConfig{}),
//		middleware.RequestID(middleware.RequestIDConfig{}),
//		middleware.Recover(middleware.RecoverConfig{}),
//	)
//
// The first one given to App.Use is the outermost. Put Logger there, so that it sees
// what the others do, and Recover inside it. Each constructor takes a Config whose zero
// value is meant to be used, unless it says what must be set; a Config that makes no
// sense panics, at set-up.
package middleware
