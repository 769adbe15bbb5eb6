package database

import (
	"context"
	"sync/atomic"

	"github.com/uptrace/bun"
)

// Counting gives the same database seen through a counter: each statement adds one to n. It is
// for tests that hold how much a page asks, which grows without anybody noticing.
func (db *DB) Counting(n *atomic.Int64) *DB {
	seen := *db
	seen.write, seen.read = db.write.WithQueryHook(counter{n}), db.read.WithQueryHook(counter{n})
	return &seen
}

type counter struct{ n *atomic.Int64 }

func (c counter) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context {
	c.n.Add(1)
	return ctx
}

func (counter) AfterQuery(context.Context, *bun.QueryEvent) {}
