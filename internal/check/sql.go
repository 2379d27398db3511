package check

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/scrub"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// closeGrace bounds the end of a connection in good order. (One whose query ran out of time has been cut by then, and the
// server was told to cancel the query.)
const closeGrace = service.CheckGrace

// passwordKeyword finds a password in a connection string of keywords and values.
var passwordKeyword = regexp.MustCompile(`(?i)(^|\s)(ssl)?password\s*=`)

// sqlCheck asks a PostgreSQL database.
type sqlCheck struct{ service.SQLCheck }

func (c sqlCheck) problems(add func(detail string, path ...string)) {
	c.urlProblems(add)
	if strings.TrimSpace(c.Query) == "" {
		add("give a query, such as \"select 1\"", "query")
	}
	positive(add, c.Timeout, "timeout")
}

func (c sqlCheck) urlProblems(add func(string, ...string)) {
	const remedy = "it holds a password, which plans and state would show: take it out, and set password = \"<credential>\" to the name of one of the provider's credentials"
	if !strings.Contains(c.URL, "://") {
		switch {
		case passwordKeyword.MatchString(c.URL):
			add(remedy, "url")
		case !strings.Contains(c.URL, "="):
			add("it is not a PostgreSQL URL: write it like postgres://user@db.internal:5432/orders", "url")
		}
		return
	}
	u, err := url.Parse(c.URL)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		// Without the error: it would repeat the URL, and with it a password that is there.
		add("it is not a PostgreSQL URL: write it like postgres://user@db.internal:5432/orders", "url")
		return
	}
	_, inUser := u.User.Password()
	if query := u.Query(); inUser || query.Has("password") || query.Has("sslpassword") {
		add(remedy, "url")
	}
}

func (c sqlCheck) asked(delivery.Target) string {
	where := "the database"
	if config, err := pgconn.ParseConfig(c.URL); err == nil {
		where = place(config)
	}
	return fmt.Sprintf("%s of %s", c.Query, where)
}

func place(config *pgconn.Config) string {
	return fmt.Sprintf("%s on %s:%d as %s", config.Database, config.Host, config.Port, config.User)
}

func (c sqlCheck) ask(ctx context.Context, t delivery.Target) outcome {
	config, err := c.config(t)
	if err != nil {
		return failed("not asked: %v", err)
	}
	timed, cancel := context.WithTimeout(ctx, c.Timeout.D())
	defer cancel()
	because := func(err error) string {
		switch {
		case ctx.Err() != nil:
			return "interrupted: " + ctx.Err().Error()
		case timed.Err() != nil:
			return fmt.Sprintf("it took longer than %s", c.Timeout)
		}
		return err.Error()
	}
	connection, err := pgconn.ConnectConfig(timed, config)
	if err != nil {
		return failed("no connection to %s: %s", place(config), because(err))
	}
	defer func() {
		closing, stop := context.WithTimeout(context.WithoutCancel(ctx), closeGrace)
		defer stop()
		// The answer is known; a connection that does not end in good order changes nothing of it.
		_ = connection.Close(closing)
	}()
	value, found, err := query(timed, connection, c.Query)
	if err != nil {
		return failed("the query failed: %s", because(err))
	}
	return c.judge(value, found)
}

// judge compares the first column of the first row; a nil value is NULL.
func (c sqlCheck) judge(value *string, found bool) outcome {
	switch {
	case c.Expect == nil && !found:
		return passed("no row, no error")
	case !found:
		return failed("no row instead of %q", *c.Expect)
	case value == nil && c.Expect != nil:
		return failed("NULL instead of %q", *c.Expect)
	case value == nil:
		return passed("NULL")
	case c.Expect != nil && *value != *c.Expect:
		return failed("%q instead of %q", scrub.First(*value, lineLimit/2), *c.Expect)
	}
	return passed("%q", scrub.First(*value, lineLimit/2))
}

// config reads the URL. The password comes from the credential alone, never from this machine's environment or files.
func (c sqlCheck) config(t delivery.Target) (*pgconn.Config, error) {
	config, err := pgconn.ParseConfig(c.URL)
	if err != nil {
		return nil, fmt.Errorf("read url: %w", err)
	}
	config.Password = ""
	if c.Password != "" {
		if config.Password, err = t.Secrets.Lookup(c.Password); err != nil {
			return nil, fmt.Errorf("look up the password: %w", err)
		}
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "terraform-provider-deploy"
	}
	return config, nil
}

// query returns the first column of the first row as text, nil for NULL, and reads the rest for the errors in it.
func query(ctx context.Context, connection *pgconn.PgConn, sql string) (value *string, found bool, err error) {
	reader := connection.ExecParams(ctx, sql, nil, nil, nil, nil)
	for reader.NextRow() {
		if found {
			continue
		}
		found = true
		// The values hold until the next row only.
		if columns := reader.Values(); len(columns) > 0 && columns[0] != nil {
			text := string(columns[0])
			value = &text
		}
	}
	if _, err := reader.Close(); err != nil {
		return nil, false, fmt.Errorf("read the answer: %w", err)
	}
	return value, found, nil
}
