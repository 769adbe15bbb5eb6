package page

import (
	"context"
	"net/http"
)

// sorryTitle is the headline of a refusal, by its status.
func sorryTitle(ctx context.Context, status int) string {
	switch status {
	case http.StatusUnauthorized:
		return T(ctx, "page.unauthorized.title")
	case http.StatusForbidden:
		return T(ctx, "page.forbidden.title")
	case http.StatusNotFound:
		return T(ctx, "page.notfound.title")
	case http.StatusConflict:
		return T(ctx, "page.conflict.title")
	case http.StatusUnprocessableEntity, http.StatusBadRequest:
		return T(ctx, "page.invalid.title")
	case http.StatusRequestEntityTooLarge:
		return T(ctx, "page.toolarge.title")
	case http.StatusRequestTimeout:
		return T(ctx, "page.slow.title")
	case http.StatusTooManyRequests:
		return T(ctx, "page.toomany.title")
	case http.StatusInternalServerError:
		return T(ctx, "page.failed.title")
	}
	return T(ctx, "page.refused.title")
}

// goesBack tells whether the page that the form was sent from is worth another
// look: what was typed was not taken, or somebody else was faster.
func goesBack(ctx context.Context, status int) bool {
	switch status {
	case http.StatusConflict, http.StatusUnprocessableEntity, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusRequestTimeout:
		return ReturnPath(ctx) != "/"
	}
	return false
}
