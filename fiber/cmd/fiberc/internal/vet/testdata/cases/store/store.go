// Package store is what handlers of other packages call: it does not know of fibers.
package store

import (
	"bytes"
	"database/sql"
	"sync"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

type Store struct {
	mu sync.Mutex
	db *sql.DB
	ch chan int
}

func (s *Store) Count() (n int) { // want Count:"blocks: store.Store.query → sql.DB.QueryRow"
	return s.query()
}

func (s *Store) query() (n int) { // want query:"blocks: sql.DB.QueryRow"
	s.db.QueryRow("SELECT 1").Scan(&n)
	return n
}

func (s *Store) Next() int { return <-s.ch } // want Next:"blocks: channel receive"

func (s *Store) Peek() int {
	select {
	case v := <-s.ch:
		return v
	default:
		return 0
	}
}

// Get locks for a moment, which is fine.
func (s *Store) Get() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ch)
}

func Later(fn func()) { go fn() }

func Twice(fn func()) { fn(); fn() } // want Twice:"params"

func Pause(f *fiber.Fiber) { f.Sleep(time.Second) } // want Pause:"may park: fiber.Fiber.Sleep"

func Head(v *netpoll.View) []byte { // want Head:"lends" Head:"may park: netpoll.View.Receive"
	b, _ := v.Receive()
	return bytes.TrimSpace(b)
}

func First(b []byte) []byte { return b[:1] } // want First:"params"

func Echo(v *netpoll.View, b []byte) { // want Echo:"may park: fiber.Fiber.Sleep" Echo:"params"
	v.Fiber().Sleep(time.Second)
	v.Write(b)
}
