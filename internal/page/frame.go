package page

import (
	"context"
	"time"
)

// htmxConfig keeps htmx inside our content policy (no eval, no style element)
// and keeps pages with children's names out of the browser's storage.
const htmxConfig = `{"allowEval":false,"includeIndicatorStyles":false,"allowScriptTags":false,` +
	`"selfRequestsOnly":true,"historyCacheSize":0,"refreshOnHistoryMiss":true,"scrollIntoViewOnBoost":false}`

func barOf(ctx context.Context) Bar {
	if s := visitFrom(ctx).site; s != nil && s.Bar != nil {
		return s.Bar(ctx)
	}
	return Bar{}
}

func versionOf(ctx context.Context) string {
	if s := visitFrom(ctx).site; s != nil {
		return s.Version
	}
	return ""
}

func windowTitle(ctx context.Context, m Meta) string {
	title := "Préau"
	if m.Title != "" {
		title = m.Title + " · " + title
	}
	return title
}

// ReturnPath is the local address of the page being shown, for forms that come
// back to it.
func ReturnPath(ctx context.Context) string {
	if path := visitFrom(ctx).path; path != "" {
		return path
	}
	return "/"
}

func languageShort(lang string) string {
	if lang == "fr" {
		return "FR"
	}
	return "EN"
}

func languageName(lang string) string {
	if lang == "fr" {
		return "Afficher en français"
	}
	return "Show in English"
}

func demoStep(ctx context.Context, by time.Duration) string {
	if by >= time.Hour {
		return number(Lang(ctx), int64(by/time.Hour)) + firm + "h"
	}
	return number(Lang(ctx), int64(by/time.Minute)) + firm + "min"
}
