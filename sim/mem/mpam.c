#include "mem/mpam.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/ranges.h"

enum status mpam_label_threads(const struct param_list *rows, const char *key, unsigned threads,
			       struct mpam_label *out, struct err *err)
{
	const struct mpam_label_params *row = rows->items;
	unsigned *number = xcalloc(threads, sizeof(*number));
	enum status st = OK;
	for (size_t i = 0; st == OK && i < rows->count; i++) {
		const struct mpam_label label = {(uint16_t)row[i].partid, (uint8_t)row[i].pmg};
		unsigned count = 0;
		st = ranges_parse(row[i].threads, threads - 1, number, threads, &count, err);
		for (unsigned n = 0; n < count; n++) out[number[n]] = label;
		for (unsigned t = 0; !*row[i].threads && t < threads; t++) out[t] = label;
	}
	free(number);
	if (st == OK) return OK;
	const struct err what = *err;
	return err_set(err, what.code, "%s.threads: %.400s", key, what.text);
}

static enum status add_label(struct mpam *m, uint64_t partid, uint64_t pmg, struct err *err)
{
	uint8_t *monitor = &m->monitor_of[partid][pmg];
	if (*monitor || (m->monitors && !partid && !pmg)) return OK;
	if (m->monitors == MPAM_MONITORS)
		return err_set(err, ERR_CONFIG, "mpam: more than %d pairs of PARTID and PMG are in use",
			       MPAM_MONITORS);
	*monitor = (uint8_t)m->monitors;
	m->partid_of[m->monitors] = (uint8_t)partid;
	snprintf(m->text[m->monitors], sizeof(m->text[0]), "partid%u_pmg%u", (unsigned)partid, (unsigned)pmg);
	m->names[m->monitors] = m->text[m->monitors];
	m->monitors++;
	if (partid >= m->partids) m->partids = (unsigned)partid + 1;
	return OK;
}

static enum status check_setting(const struct mpam_setting *s, struct err *err)
{
	const struct mpam_control_row *row = &mpam_controls[s->control];
	if (s->value <= row->max) return OK;
	return err_set(err, ERR_CONFIG,
		       "mpam.settings: %s %" PRIu64 " of PARTID %" PRIu64 " is outside 0..%" PRIu64,
		       row->name, s->value, s->partid, row->max);
}

static enum status read_params(struct mpam *m, struct err *err)
{
	const struct mpam_label_params *label = m->params->labels.items;
	const struct mpam_setting *setting = m->params->settings.items;
	TRY(add_label(m, 0, 0, err));
	TRY(add_label(m, m->params->hypervisor_partid, m->params->hypervisor_pmg, err));
	for (size_t i = 0; i < m->params->labels.count; i++)
		TRY(add_label(m, label[i].partid, label[i].pmg, err));
	for (size_t i = 0; i < m->params->settings.count; i++) {
		TRY(check_setting(&setting[i], err));
		if (setting[i].partid >= m->partids) m->partids = (unsigned)setting[i].partid + 1;
	}
	return OK;
}

enum status mpam_new(const struct mpam_params *p, struct mpam **out, struct err *err)
{
	struct mpam *m = xcalloc(1, sizeof(*m));
	m->params = p;
	enum status st = read_params(m, err);
	if (st == OK)
		*out = m;
	else
		free(m);
	return st;
}

/* --- the controls of an MSC --------------------------------------------------------------------------------------- */

bool mpam_is_for(const struct mpam_setting *s, const char *name, enum mpam_msc_kind kind)
{
	return mpam_controls[s->control].kind == kind && (!*s->msc || !strcmp(s->msc, name));
}

/* Behind all that are not later. */
static void insert(struct mpam_msc *c, const struct mpam_setting *s)
{
	size_t at = c->count++;
	for (; at && c->due[at - 1]->at_cycle > s->at_cycle; at--) c->due[at] = c->due[at - 1];
	c->due[at] = s;
}

void mpam_msc_init(struct mpam_msc *c, const struct mpam *m, const char *name, enum mpam_msc_kind kind)
{
	const struct mpam_setting *s = m->params->settings.items;
	size_t settings = m->params->settings.count;
	*c = (struct mpam_msc){.mpam = m, .next = UINT64_MAX};
	c->due = xcalloc(settings + 1, sizeof(struct mpam_setting *));
	for (size_t i = 0; i < settings; i++)
		if (mpam_is_for(&s[i], name, kind)) insert(c, &s[i]);
	for (unsigned partid = 0; partid < MPAM_PARTIDS; partid++)
		for (unsigned i = 0; i < MPAM_CONTROL_COUNT; i++)
			c->value[partid][i] = mpam_controls[i].reset;
	if (c->count) c->next = c->due[0]->at_cycle;
}

void mpam_msc_fini(struct mpam_msc *c) { free(c->due); }

void mpam_msc_advance(struct mpam_msc *c, cycles_t now)
{
	for (; c->done < c->count && c->due[c->done]->at_cycle <= now; c->done++) {
		const struct mpam_setting *s = c->due[c->done];
		c->value[s->partid][s->control] = s->value;
	}
	c->next = c->done < c->count ? c->due[c->done]->at_cycle : UINT64_MAX;
}
