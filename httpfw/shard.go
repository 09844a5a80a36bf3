package httpfw

import (
	"time"

	"github.com/heddle-go/heddle/codec/http1"
	"github.com/heddle-go/heddle/fiber"
	"github.com/valyala/bytebufferpool"
)

// A shard is a server's state on one loop. Holder only.
type shard struct {
	srv    *Server
	app    *App
	loop   *fiber.Loop
	limits *limits
	spare  []*Ctx                     // contexts ready for reuse
	works  []*work                    // parts of others, ready for reuse
	out    *bytebufferpool.ByteBuffer // a buffer for replies, ready for reuse
	held   []*conn                    // connections with replies that are not sent yet, see conn.hold

	turned int   // connections turned away that no log line has counted
	tellAt int64 // loop clock: when the next may

	statusLine []byte // "HTTP/1.1 200 OK CRLF Date: … CRLF [Server: … CRLF]"
	dateUntil  int64  // loop clock: when the line is out of date
	dateAt     int    // where the date starts in it
}

const (
	spareMax  = 256
	spareKept = 16 // contexts that are never given up
)

func newShard(s *Server, l *fiber.Loop) *shard {
	sh := &shard{srv: s, app: s.app, loop: l, limits: &s.limits}
	l.BeforePoll(sh.sendHeld)
	l.OnTrim(sh.trim)
	return sh
}

// trim gives up half of the spare contexts that are too many: a burst of handlers that
// wait leaves spareMax of them, each with the memory of a head.
func (sh *shard) trim() (more bool) {
	sh.spare = halved(sh.spare)
	sh.works = halved(sh.works)
	return len(sh.spare) > spareKept || len(sh.works) > spareKept
}

// halved takes half of what is too many off a list.
func halved[T any](list []*T) []*T {
	n := len(list) - (max(len(list)-spareKept, 0)+1)/2
	clear(list[n:])
	return list[:n]
}

// takeCtx returns a context for a request of c.
func (sh *shard) takeCtx() *Ctx {
	if n := len(sh.spare); n > 0 {
		c := sh.spare[n-1]
		sh.spare = sh.spare[:n-1]
		return c
	}
	return &Ctx{app: sh.app, work: sh.takeWork()}
}

func (sh *shard) takeWork() *work {
	if n := len(sh.works); n > 0 {
		w := sh.works[n-1]
		sh.works = sh.works[:n-1]
		return w
	}
	w := &work{}
	w.reply.reset()
	return w
}

// putCtx takes a context back that nobody else can hold on to.
func (sh *shard) putCtx(c *Ctx) {
	if n := len(sh.spare); n < spareMax {
		c.reset()
		sh.spare = append(sh.spare, c)
		if n >= spareKept {
			sh.loop.TrimSoon()
		}
	}
}

// putWork takes back part of a context.
func (sh *shard) putWork(w *work) {
	if n := len(sh.works); n < spareMax {
		sh.works = append(sh.works, w)
		if n >= spareKept {
			sh.loop.TrimSoon()
		}
	}
}

// okLine returns the start of a reply of status 200: status line, Date and Server.
func (sh *shard) okLine() []byte {
	if sh.loop.Now() >= sh.dateUntil {
		sh.renewDate()
	}
	return sh.statusLine
}

// fields returns Date and Server, for a reply of any status.
func (sh *shard) fields() []byte { return sh.okLine()[sh.dateAt:] }

func (sh *shard) renewDate() {
	now := time.Now()
	sh.dateUntil = sh.loop.Now() + int64(time.Second) - int64(now.Nanosecond())
	b := http1.AppendStatusLine(sh.statusLine[:0], 1, 200)
	sh.dateAt = len(b)
	b = append(b, "Date: "...)
	b = http1.AppendDate(b, now.UTC())
	b = append(b, "\r\n"...)
	if name := sh.app.config.ServerName; name != "" {
		b = http1.AppendField(b, "Server", name)
	}
	sh.statusLine = b
}

// sendHeld sends the replies of connections whose fiber waits in a handler while
// replies to earlier requests are ready: before the loop asks for new events.
func (sh *shard) sendHeld() {
	for i, c := range sh.held {
		sh.held[i] = nil
		if c.held {
			c.held = false
			c.flush()
		}
	}
	sh.held = sh.held[:0]
}
