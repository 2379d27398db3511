package check_test

import (
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/check/postgrestest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func TestSQL(t *testing.T) {
	server := postgrestest.Start(t)
	const password = "p4ss word'/@"
	server.Exec(t, "create role orders login password '"+strings.ReplaceAll(password, "'", "''")+"'")
	to := target()
	to.Secrets = credentials{"orders_db": password, "wrong": "not-the-one"}
	sql := func(query string, expect *string) service.Check {
		return service.Check{SQL: &service.SQLCheck{URL: server.URL("orders", "postgres"), Password: "orders_db", Query: query, Expect: expect, Timeout: 30 * second}}
	}
	for name, c := range map[string]struct {
		query  string
		expect *string
		// why is empty for a pass.
		got, why string
	}{
		"only succeeds":    {"select 1", nil, `"1"`, ""},
		"expected":         {"select 42, 'x'", pointer("42"), `"42"`, ""},
		"first row":        {"select * from (values ('a'), ('b')) v", pointer("a"), `"a"`, ""},
		"as text":          {"select timestamp '2026-11-23 10:00:00', true", pointer("2026-11-23 10:00:00"), "2026", ""},
		"boolean":          {"select true", pointer("t"), "t", ""},
		"other":            {"select 41", pointer("42"), "", `"41" instead of "42"`},
		"no row, no wish":  {"select 1 where false", nil, "no row", ""},
		"no row":           {"select 1 where false", pointer("1"), "", "no row"},
		"NULL":             {"select null", pointer(""), "", "NULL instead"},
		"NULL, no wish":    {"select null", nil, "NULL", ""},
		"empty":            {"select ''", pointer(""), `""`, ""},
		"syntax":           {"selec 1", nil, "", "syntax error"},
		"an error later":   {"select 1/(2-x) from generate_series(1, 3) x", pointer("1"), "", "division by zero"},
		"two statements":   {"select 1; select 2", nil, "", "cannot insert multiple commands"},
		"not its business": {"select rolpassword from pg_authid", nil, "", "permission denied"},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, sql(c.query, c.expect), to)
			if c.why == "" {
				wantPass(t, r, c.got)
				return
			}
			wantFail(t, r, c.why)
		})
	}

	t.Run("the password does not show", func(t *testing.T) {
		r := run(t, sql("select '"+strings.ReplaceAll(password, "'", "''")+"'", pointer("x")), to)
		wantFail(t, r, "***")
		if strings.Contains(r.Got+r.Evidence, password) {
			t.Errorf("shows it: %+v", r)
		}
		if !strings.Contains(r.Asked, "of postgres on "+server.Socket) {
			t.Errorf("asked %q", r.Asked)
		}
	})
	t.Run("wrong, missing and no password", func(t *testing.T) {
		// The password is that of the credential, whatever this environment says.
		t.Setenv("PGPASSWORD", password)
		for credential, why := range map[string]string{"wrong": "password authentication failed", "": "password", "unknown": "DEPLOY_CREDENTIAL_UNKNOWN"} {
			c := sql("select 1", nil)
			c.SQL.Password = credential
			wantFail(t, run(t, c, to), why)
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		c := sql("select 1", nil)
		c.SQL.URL = "postgres://orders@" + component.Refusing(t) + "/postgres?sslmode=disable"
		wantFail(t, run(t, c, to), "no connection", "refused")
	})
	t.Run("too long", func(t *testing.T) {
		c := sql("select pg_sleep(3600) /* too long */", nil)
		c.SQL.Timeout = service.Duration(300 * time.Millisecond)
		wantFail(t, run(t, c, to), "longer than 300ms")
		// It ended on the server, too.
		deadline := time.Now().Add(generous)
		for {
			left := run(t, sql("select count(*) from pg_stat_activity where state = 'active' and query like '%/* too long */' and pid <> pg_backend_pid()", pointer("0")), to)
			if left.Passed {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("the query still runs: %s", left.Got)
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
}
