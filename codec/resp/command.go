package resp

// Contract: a command is an array of bulk strings, or (inline.go) a line typed
// by a person. Between two calls a Decoder remembers how many bytes of whole
// arguments lie behind it and how many arguments are missing, as numbers; it
// never keeps the buffer, so the caller may move or grow that while a command is
// incomplete, as long as the same bytes still stand at its start.
//
// Cost: a call with an argument still incomplete looks at that argument's length
// only, so a large value that arrives in a thousand pieces costs a thousand such
// looks. When a command that came in pieces is complete, its headers are read
// once more to collect the arguments: cheaper than remembering where each of
// them lay, which would cost every idle connection memory.

// Decoder finds the commands of one stream. The zero Decoder is that of the zero
// Config; others come from Codec.Decoder. One goroutine at a time may use it.
type Decoder struct {
	codec *Codec   // nil for standard
	at    int      // end of the last whole argument; of an inline command, what was searched for its end
	left  int      // arguments that come after at; meaningless while at is 0
	need  int      // a shorter buffer brings nothing new
	args  [][]byte // result of Command, reused
}

// Command finds the first command in buf, of which it takes n bytes. The
// arguments, args[0] being the name, are borrowed from buf, and args itself is
// valid until the next call. A command may be empty (an empty line, "*0" or
// "*-1"): Redis ignores those without an answer, and so should the caller.
//
// n == 0 without an error means that buf holds no whole command yet: call again
// with the same bytes and more behind them. After a command, call with what
// follows it. Errors are *ProtocolError: ErrTooLarge over BulkBytesMax,
// MessageBytesMax, InlineBytesMax or ArgsMax, otherwise ErrMalformed. The spec
// calls this "sending commands to a Redis server" and "inline commands".
//
// Stricter than Redis, which does not look: a CRLF must follow an argument.
func (d *Decoder) Command(buf []byte) (args [][]byte, n int, err error) {
	d.args, n, err = d.CommandInto(d.args[:0], buf)
	if n == 0 {
		return nil, 0, err
	}
	return d.args, n, nil
}

// CommandInto is Command with the caller's memory: it appends the arguments to
// args, so that many connections can share one slice. Without a whole command it
// returns args as it was, but perhaps with more capacity.
func (d *Decoder) CommandInto(args [][]byte, buf []byte) (_ [][]byte, n int, err error) {
	if len(buf) < d.at { // not the bytes of last time: begin anew
		d.restart()
	}
	if len(buf) == 0 || len(buf) < d.need {
		return args, 0, nil
	}
	limits := d.limits()
	if buf[0] != '*' {
		return d.inline(args, buf, limits)
	}
	// Arguments are collected on the way only if the way starts at the start.
	whole := d.at == 0
	at, left, given := d.at, d.left, len(args)
	if whole {
		count, next, ok := length(buf, 1)
		switch {
		case !ok:
			return args, 0, malformed(textMultibulkLength, 0)
		case next == 0:
			return args, 0, nil
		case count > int64(limits.ArgsMax):
			return args, 0, tooLarge(textMultibulkLength, 0)
		case count <= 0:
			return args, next, nil
		}
		at, left = next, int(count)
	}
	for ; left > 0; left-- {
		if at == len(buf) {
			d.pause(at, left, at+1)
			return args[:given], 0, nil
		}
		if buf[at] != '$' {
			return args[:given], 0, unexpected('$', buf[at], at)
		}
		size, next, ok := length(buf, at+1)
		switch {
		case !ok || size < 0:
			return args[:given], 0, malformed(textBulkLength, at)
		case next == 0:
			d.pause(at, left, len(buf)+1)
			return args[:given], 0, nil
		case size > int64(limits.BulkBytesMax):
			return args[:given], 0, tooLarge(textBulkLength, at)
		case size > int64(limits.MessageBytesMax-next-2):
			return args[:given], 0, tooLarge(textMessageTooBig, at)
		}
		end := next + int(size)
		if len(buf) < end+2 {
			d.pause(at, left, end+2)
			return args[:given], 0, nil
		}
		if buf[end] != '\r' || buf[end+1] != '\n' {
			return args[:given], 0, malformed(textBulkEnd, end)
		}
		if whole {
			// The capacity ends with the argument: an append to it must not
			// run into the next one.
			args = append(args, buf[next:end:end])
		}
		at = end + 2
	}
	d.restart()
	if !whole {
		return d.CommandInto(args, buf[:at])
	}
	return args, at, nil
}

// BytesNeeded is, after a call that wanted more, a length below which buf need
// not be shown again: with a large argument under way, the end of that argument.
// A reader sizes its buffer by it. It never promises that so much is enough, and
// is 1 before anything is known.
func (d *Decoder) BytesNeeded() int { return max(d.need, 1) }

// Reset forgets an unfinished command, for a Decoder that gets another stream,
// and frees the memory that Command has collected.
func (d *Decoder) Reset() { *d = Decoder{codec: d.codec} }

// restart returns to the start of a message and keeps memory.
func (d *Decoder) restart() { d.at, d.left, d.need = 0, 0, 0 }

func (d *Decoder) pause(at, left, need int) { d.at, d.left, d.need = at, left, need }

func (d *Decoder) limits() *Config {
	if d.codec == nil {
		return &standard.limits
	}
	return &d.codec.limits
}
