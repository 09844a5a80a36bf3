// Package gnetengine runs fibers as guests on the event loops of gnet
// (github.com/panjf2000/gnet/v2), for applications that already run one: an existing
// gnet.EventHandler gains straight-line code that may sleep, block and wait.
//
// Every gnet event loop gets one guest fiber.Loop, driven from gnet's own goroutine: a
// callback reports its event and pumps the loop until no fiber is ready. gnet accepts,
// reads and closes; connections handed over with Engine.Attach are *netpoll.Conn like
// those of any other engine. A whole server needs no handler of its own: see Start.
//
//	func (h *handler) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
//		return nil, h.fibers.Attach(c, h.accept)
//	}
//	func (h *handler) OnTraffic(c gnet.Conn) gnet.Action          { return h.fibers.OnTraffic(c) }
//	func (h *handler) OnClose(c gnet.Conn, err error) gnet.Action { return h.fibers.OnClose(c, err) }
//	func (h *handler) OnShutdown(gnet.Engine)                     { h.fibers.OnShutdown() }
//
// What differs from Heddle's own engines: nothing can be listened on or dialed
// (connections come from gnet), and reading cannot be paused, since gnet reads whatever
// arrives; a connection whose fibers leave more than Config.InboundBytesMax unread is
// closed. The package is there on the systems with gnet's event loops: Linux, macOS
// and the BSDs.
package gnetengine
