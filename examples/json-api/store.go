package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// note is what the service keeps.
type note struct {
	ID    int64  `json:"id"`
	Title string `json:"title"` // no two are the same
	Text  string `json:"text"`
}

var (
	errNoNote = errors.New("there is no such note")
	errTaken  = errors.New("another note has that title")
)

// store is the notes in a database. It knows nothing of fibers: its methods block, and
// any goroutine may call them.
type store struct{ db *sql.DB }

const schema = `CREATE TABLE IF NOT EXISTS note (
	id    INTEGER PRIMARY KEY AUTOINCREMENT,
	title TEXT NOT NULL UNIQUE,
	text  TEXT NOT NULL
) STRICT`

func openStore(file string) (*store, error) {
	pragmas := url.Values{"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(NORMAL)"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?"+pragmas.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(8) // SQLite has one writer at a time; readers gain from a few more
	if _, err := db.Exec(schema); err != nil {
		db.Close()
		return nil, fmt.Errorf("database %s: %w", file, err)
	}
	return &store{db}, nil
}

func (s *store) close() error { return s.db.Close() }

// add keeps a new note and returns its id.
func (s *store) add(ctx context.Context, n note) (int64, error) {
	r, err := s.db.ExecContext(ctx, `INSERT INTO note (title, text) VALUES (?, ?)`, n.Title, n.Text)
	if err != nil {
		return 0, conflict(err)
	}
	return r.LastInsertId()
}

// get returns a note.
func (s *store) get(ctx context.Context, id int64) (note, error) {
	n := note{ID: id}
	err := s.db.QueryRowContext(ctx, `SELECT title, text FROM note WHERE id = ?`, id).Scan(&n.Title, &n.Text)
	if errors.Is(err, sql.ErrNoRows) {
		err = errNoNote
	}
	return n, err
}

// list returns up to limit notes whose id is larger than after, in the order of ids.
func (s *store) list(ctx context.Context, after int64, limit int) ([]note, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, title, text FROM note WHERE id > ? ORDER BY id LIMIT ?`, after, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []note{}
	for rows.Next() {
		var n note
		if err := rows.Scan(&n.ID, &n.Title, &n.Text); err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, rows.Err()
}

// replace changes a note.
func (s *store) replace(ctx context.Context, n note) error {
	r, err := s.db.ExecContext(ctx, `UPDATE note SET title = ?, text = ? WHERE id = ?`, n.Title, n.Text, n.ID)
	return changed(r, conflict(err))
}

// remove forgets a note.
func (s *store) remove(ctx context.Context, id int64) error {
	r, err := s.db.ExecContext(ctx, `DELETE FROM note WHERE id = ?`, id)
	return changed(r, err)
}

// count returns how many notes there are.
func (s *store) count(ctx context.Context) (n int64, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT count(*) FROM note`).Scan(&n)
	return n, err
}

// changed turns a statement that met no note into errNoNote.
func changed(r sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return errNoNote
}

// conflict recognizes the violation of a title's uniqueness.
func conflict(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) && e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE {
		return errTaken
	}
	return err
}
