package http1

// Contract: everything a peer can make a parser go through or keep has a limit, and the
// limits hold for whoever sets none. A limit is met exactly: a message of that many bytes
// passes, one more byte is an error, and it is reported when that byte arrives.

import "math"

// Limits bounds what a peer can make a parser hold. A value of zero, or below,
// means the default.
type Limits struct {
	TargetBytesMax    int // request target; default 8192, beyond it 414
	HeaderBytesMax    int // the whole head with its blank line; default 32768, beyond it 431
	HeaderCountMax    int // fields of a head or of a trailer section; default 100, beyond it 431
	CookieCountMax    int // cookies of a request in all its Cookie fields; default 200, beyond it 431
	QueryPairsMax     int // pairs of the query of a target; default 1000, beyond it 414
	ExtensionBytesMax int // chunk extensions of one body in sum; default 4096, beyond it 400
	TrailerBytesMax   int // the whole trailer section; default 8192, beyond it 431
}

const (
	targetBytesDefault    = 8 << 10
	headerBytesDefault    = 32 << 10
	headerCountDefault    = 100
	cookieCountDefault    = 200
	queryPairsDefault     = 1000
	extensionBytesDefault = 4 << 10
	trailerBytesDefault   = 8 << 10

	// Progress keeps offsets in 32 bits and the count of fields in 16.
	headerBytesCeiling = math.MaxInt32
	headerCountCeiling = math.MaxUint16
)

func (l *Limits) targetBytes() int {
	if l == nil || l.TargetBytesMax <= 0 {
		return targetBytesDefault
	}
	return min(l.TargetBytesMax, headerBytesCeiling)
}

func (l *Limits) headerBytes() int {
	if l == nil || l.HeaderBytesMax <= 0 {
		return headerBytesDefault
	}
	return min(l.HeaderBytesMax, headerBytesCeiling)
}

func (l *Limits) headerCount() int {
	if l == nil || l.HeaderCountMax <= 0 {
		return headerCountDefault
	}
	return min(l.HeaderCountMax, headerCountCeiling)
}

func (l *Limits) cookieCount() int {
	if l == nil || l.CookieCountMax <= 0 {
		return cookieCountDefault
	}
	return l.CookieCountMax
}

func (l *Limits) queryPairs() int {
	if l == nil || l.QueryPairsMax <= 0 {
		return queryPairsDefault
	}
	return l.QueryPairsMax
}

func (l *Limits) extensionBytes() int {
	if l == nil || l.ExtensionBytesMax <= 0 {
		return extensionBytesDefault
	}
	return l.ExtensionBytesMax
}

func (l *Limits) trailerBytes() int {
	if l == nil || l.TrailerBytesMax <= 0 {
		return trailerBytesDefault
	}
	return min(l.TrailerBytesMax, headerBytesCeiling)
}
