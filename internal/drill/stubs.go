package drill

import "context"

func cned(ctx context.Context, r *replay) error          { return nil }
func hourBell(ctx context.Context, r *replay) error      { return nil }
func oneAddress(ctx context.Context, r *replay) error    { return nil }
func slowDatabase(ctx context.Context, r *replay) error  { return nil }
func rollUnderFire(ctx context.Context, r *replay) error { return nil }
func waitingPage(ctx context.Context, r *replay) error   { return nil }
