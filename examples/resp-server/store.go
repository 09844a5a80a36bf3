package main

import (
	"bytes"
	"errors"
	"hash/maphash"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

// store is the keys of all connections. Any goroutine may use it. Its locks are plain
// mutexes: each is held for one look at a map, so that waiting for one costs
// less than a fiber's wait would.
type store struct {
	seed   maphash.Seed
	now    func() time.Time
	shards [shardCount]shard
}

const shardCount = 64

// shard is the keys with one hash value, more or less.
type shard struct {
	mu      sync.Mutex
	entries map[string]*entry // under mu
	mortal  map[string]*entry // those of entries that expire; under mu
	_       [40]byte          // shards do not share cache lines
}

// entry is a value. The bytes never change, so that readers may use them without the
// lock.
type entry struct {
	value []byte // under shard.mu
	until int64  // Unix milliseconds, 0: for ever; under shard.mu
}

func newStore(now func() time.Time) *store {
	st := &store{seed: maphash.MakeSeed(), now: now}
	st.clear()
	return st
}

func (st *store) clear() {
	for i := range st.shards {
		sh := &st.shards[i]
		sh.mu.Lock()
		sh.entries, sh.mortal = map[string]*entry{}, map[string]*entry{}
		sh.mu.Unlock()
	}
}

func (st *store) shard(key []byte) *shard {
	return &st.shards[maphash.Bytes(st.seed, key)%shardCount]
}

// find returns the entry of a key, nil if there is none or it has expired. Under sh.mu.
func (st *store) find(sh *shard, key []byte) *entry {
	e := sh.entries[string(key)]
	if e != nil && e.until != 0 && e.until <= st.now().UnixMilli() {
		sh.remove(key)
		return nil
	}
	return e
}

func (sh *shard) remove(key []byte) {
	delete(sh.entries, string(key))
	delete(sh.mortal, string(key))
}

// expire sets the end of e's life. Under sh.mu.
func (sh *shard) expire(key []byte, e *entry, until int64) {
	switch {
	case until != 0:
		sh.mortal[string(key)] = e
	case e.until != 0:
		delete(sh.mortal, string(key))
	}
	e.until = until
}

// get returns the value of a key.
func (st *store) get(key []byte) (value []byte, ok bool) {
	sh := st.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e := st.find(sh, key)
	if e == nil {
		return nil, false
	}
	return e.value, true
}

// condition says when set does something.
type condition uint8

const (
	always condition = iota
	ifNew
	ifThere
)

// set copies a value, which lives until a time in Unix milliseconds, 0 for ever.
func (st *store) set(key, value []byte, until int64, when condition) (done bool) {
	sh := st.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e := st.find(sh, key)
	if when == ifNew && e != nil || when == ifThere && e == nil {
		return false
	}
	if e == nil {
		e = &entry{}
		sh.entries[string(key)] = e
	}
	e.value = bytes.Clone(value)
	sh.expire(key, e, until)
	return true
}

// del removes a key and reports whether it was there.
func (st *store) del(key []byte) bool {
	sh := st.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if st.find(sh, key) == nil {
		return false
	}
	sh.remove(key)
	return true
}

// expireAt gives a key another end, which may have passed, and reports whether the key
// was there.
func (st *store) expireAt(key []byte, until int64) bool {
	sh := st.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e := st.find(sh, key)
	if e == nil {
		return false
	}
	sh.expire(key, e, max(until, 1))
	return true
}

// ttl returns the milliseconds a key has left: -1 for ever, -2 if it is not there.
func (st *store) ttl(key []byte) int64 {
	sh := st.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	switch e := st.find(sh, key); {
	case e == nil:
		return -2
	case e.until == 0:
		return -1
	default:
		return max(e.until-st.now().UnixMilli(), 0)
	}
}

var (
	errNotInteger = errors.New("ERR value is not an integer or out of range")
	errOverflow   = errors.New("ERR increment or decrement would overflow")
)

// add adds to the number that is the value of a key, 0 if there is none.
func (st *store) add(key []byte, delta int64) (int64, error) {
	sh := st.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e := st.find(sh, key)
	if e == nil {
		e = &entry{value: []byte("0")}
	}
	n, err := strconv.ParseInt(string(e.value), 10, 64)
	if err != nil {
		return 0, errNotInteger
	}
	if delta > 0 && n > math.MaxInt64-delta || delta < 0 && n < math.MinInt64-delta {
		return 0, errOverflow
	}
	n += delta
	e.value = strconv.AppendInt(nil, n, 10)
	sh.entries[string(key)] = e
	return n, nil
}

// size counts the keys, those included that have expired and were not looked at since.
func (st *store) size() int {
	n := 0
	for i := range st.shards {
		sh := &st.shards[i]
		sh.mu.Lock()
		n += len(sh.entries)
		sh.mu.Unlock()
	}
	return n
}

// sweepEvery is the time between two sweeps.
const sweepEvery = 100 * time.Millisecond

// sweepForEver is a fiber that frees what has expired and nobody asks for.
func (st *store) sweepForEver(f *fiber.Fiber) {
	for f.Sleep(sweepEvery) == nil {
		for i := range st.shards {
			for st.sweep(&st.shards[i]) {
				f.Yield() // there is more; the connections of this loop come first
			}
		}
	}
}

// sampleMax is how many mortal entries a sweep looks at under one lock.
const sampleMax = 32

// sweep looks at some mortal entries (Go's maps begin anywhere) and removes those that
// have expired. It reports whether that was so many that it should be called again.
func (st *store) sweep(sh *shard) (again bool) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if len(sh.mortal) == 0 {
		return false
	}
	now := st.now().UnixMilli()
	seen, dead := 0, 0
	for key, e := range sh.mortal {
		if e.until <= now {
			delete(sh.entries, key)
			delete(sh.mortal, key)
			dead++
		}
		if seen++; seen == sampleMax {
			break
		}
	}
	return 4*dead > seen
}
