package database

import (
	"context"
	"sync/atomic"

	"github.com/uptrace/bun"
)

// Counting gives the same database seen through a counter: each statement adds one to n. It is
// for tests that hold how much a page asks, which grows without anybody noticing.
func (db *DB) Counting(n *atomic.Int64) *DB { return db.Heard(func(string) { n.Add(1) }) }

// Heard gives the same database overheard: asked hears each statement before it is run, from
// many goroutines at once. It is for tests that hold what a page asks.
func (db *DB) Heard(asked func(statement string)) *DB {
	seen := *db
	seen.write, seen.read = db.write.WithQueryHook(ear{asked}), db.read.WithQueryHook(ear{asked})
	return &seen
}

type ear struct{ asked func(string) }

func (e ear) BeforeQuery(ctx context.Context, q *bun.QueryEvent) context.Context {
	e.asked(q.Query)
	return ctx
}

func (ear) AfterQuery(context.Context, *bun.QueryEvent) {}
