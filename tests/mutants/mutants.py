# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Breaks the driver on purpose, one thing at a time, and expects the scenario
that guards it to fail. A mutant that survives is a hole in the tests."""
import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT / "tests/lab"))
import build  # noqa: E402 pylint: disable=wrong-import-position

FRONT, KMS, GEM = "xen_drm_front.c", "xen_drm_front_kms.c", "xen_drm_front_gem.c"
CFG, PGDIR = "xen_drm_front_cfg.c", "xen_drm_front_pgdir.c"
EVTCHNL, HELD = "xen_drm_front_evtchnl.c", "xen_drm_front_held.c"
VERBS = "xen_drm_front_verbs.c"

# What is broken, where, the text and what it becomes, the scenario, the platform.
MUTANTS = [
    ("every framebuffer is said to be XRGB8888", VERBS,
     ".pixel_format = fb->format", ".pixel_format = 0x34325258",
     "test_each_format", "aarch64-new"),
    ("the mode is set with the framebuffer's size", VERBS,
     "req.op.set_config.width = width;", "req.op.set_config.width = fb->width;",
     "test_framebuffer_larger_than_mode", "aarch64-new"),
    ("DIRTYFB does nothing", KMS,
     "\t.dirty = drm_atomic_helper_dirtyfb,\n", "",
     "test_front_buffer_drawing_is_seen", "aarch64-new"),
    ("a flip is completed, but not sent", KMS,
     "ret = xen_drm_front_page_flip(pipe->display, pipe->index, fb);",
     "ret = 0; pipe_finish_flip(pipe, fb->cookie, 0);",
     "test_modeset_and_flips and legacy", "aarch64-new"),
    ("buffers are created on the last connector's ring", VERBS,
     "return &display->conn->channels[0];",
     "return &display->conn->channels[display->conn->num_channels - 1];",
     "test_connectors_at_once and legacy and 2", "aarch64-new"),
    ("framebuffers are not detached", VERBS,
     "\tguard(mutex)(&display->lock);\n\n"
     "\tret = xen_drm_front_evtchnl_call(display_buffer_channel(display), "
     "&req, NULL);\n\tif (ret && ret != -ENODEV)",
     "\tguard(mutex)(&display->lock);\n\n\tret = req.id;\n\tif (ret)",
     "test_modeset_and_flips and legacy", "aarch64-new"),
    ("directories end after their first page", PGDIR,
     "next = i + 1 < pgdir->num_dirs ? pgdir->grefs[i + 1] :",
     "next = i + 1 < 0 ? pgdir->grefs[i + 1] :",
     "test_uhd", "aarch64-new"),
    ("grants are not revoked", PGDIR,
     "if (pgdir->grefs && pgdir->dirs)\n\t\tstill_mapped = pgdir_revoke(pgdir);", "",
     "test_grants_run_out", "aarch64-new"),
    ("unused bytes of requests are not 0", EVTCHNL,
     "req->id = slot->id;", "req->id = slot->id;\n\treq->reserved[2] = 1;",
     "test_modeset_and_flips and legacy", "aarch64-new"),
    ("a broken connection ends no flips", FRONT,
     "\txen_drm_front_kms_abort(display);\n", "",
     "test_flip_in_flight_when_backend_leaves", "aarch64-new"),
    ("a buffer may be larger than the memory", GEM,
     "if (!ret && !be_alloc)", "if (!ret && be_alloc)",
     "test_larger_than_memory", "aarch64-new"),
    ("why a modeset failed is not told", KMS,
     "\t\tif (!state->allow_modeset)\n\t\t\treturn error;\n", "",
     "test_failed_modeset_is_a_bad_link", "aarch64-new"),
    ("a killed task does not wait for DBUF_CREATE", VERBS,
     "xen_drm_front_evtchnl_call(display_buffer_channel(display), &create, NULL);",
     "xen_drm_front_evtchnl_call_killable(display_buffer_channel(display), &create);",
     "test_client_killed_before_its_buffer_is_mapped", "aarch64-new"),
    ("a leaving backend is overlooked", FRONT,
     "\tdefault:\n\t\treturn true;\n\t}\n}",
     "\tdefault:\n\t\treturn own > 100;\n\t}\n}",
     "test_backend_goes_and_comes and stops", "aarch64-new"),
    ("a starting backend closes us", FRONT,
     "if (leaving)\n\t\t\treturn XEN_DRM_FRONT_CLOSE;\n\t\tif (backend == "
     "XenbusStateInitWait)",
     "if (backend >= XenbusStateClosing)\n\t\t\treturn XEN_DRM_FRONT_CLOSE;\n"
     "\t\tif (backend == XenbusStateInitWait)",
     "test_backend_goes_and_comes", "aarch64-new"),
    ("a failed flip is not reported", KMS,
     "if (error && !(crtc_state &&", "if (0 && !(crtc_state &&",
     "test_refused_flip_is_retried", "aarch64-new"),
    ("a flip has no time-out", KMS,
     "#define KMS_FLIP_TIMEOUT\tmsecs_to_jiffies(",
     "#define KMS_FLIP_TIMEOUT\tmsecs_to_jiffies(100 * ",
     "test_unanswered_flip", "aarch64-new"),
    ("a resolution may end with anything", CFG,
     "if (!isdigit(text[i]))\n\t\t\treturn -EINVAL;",
     "if (!isdigit(text[i]))\n\t\t\tbreak;\n\tlen = i;",
     "test_malformed_configuration", "aarch64-new"),
    ("any be-alloc but 0 enables it", CFG,
     'text && !strcmp(text, "1")', 'text && strcmp(text, "0")',
     "test_malformed_configuration", "x86_64-6.12"),
    ("any pitch is accepted", VERBS,
     "\tif (dbuf->be_alloc || dbuf->num_fbs || !fb_dbuf_width(fb, &width) ||",
     "\tif (!fb_dbuf_width(fb, &width))\n\t\treturn 0;\n"
     "\tif (dbuf->be_alloc || dbuf->num_fbs ||",
     "test_client_checks and badfb", "aarch64-new"),
    ("the backend's pages are unmapped too late", VERBS,
     "\tdbuf_unmap(display, dbuf);\n\tdbuf_send_destroy(display, dbuf);",
     "\tdbuf_send_destroy(display, dbuf);\n\tdbuf_unmap(display, dbuf);",
     "test_backend_allocated and not refused", "aarch64-new"),
    ("contiguous and backend's buffers go together", FRONT,
     "if (IS_ENABLED(CONFIG_DRM_XEN_FRONTEND_CMA))", "if (0)",
     "test_contiguous_and_backend_allocated", "aarch64-new"),
    ("a mapping may be private", GEM,
     "if (vma_is_cow_mapping(vma))\n\t\treturn -EINVAL;", "",
     "test_abuse and abuse and not storm", "aarch64-new"),
    ("a mapping may be moved and grow", GEM,
     "VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP", "VM_PFNMAP | VM_DONTDUMP",
     "test_abuse and abuse and not storm", "aarch64-new"),
    ("an object's memory is not freed", GEM,
     "\tdrm_gem_shmem_free(&gem->native);\n#endif\n}", "#endif\n}",
     "test_abuse and abuse and not storm", "aarch64-new"),
    ("the last file's end is not noticed", FRONT,
     "\tatomic_dec(&front->displays);\n\tfront_kick(front);\n", "",
     "test_unbind_with_open_client or test_attach_and_detach", "aarch64-new"),
    # Defences against a hostile backend, by the rows of the catalogue.
    ("R1: any number of responses is believed", EVTCHNL,
     "if (prod - ring->rsp_cons > outstanding) {", "if (0) {",
     "test_attack and (rsp-forward or rsp-backward)", "aarch64-new"),
    ("R2: more responses than requests are believed", EVTCHNL,
     "outstanding = ring->req_prod_pvt - ring->rsp_cons;",
     "outstanding = RING_SIZE(ring);",
     "test_attack and extra-reply", "aarch64-new"),
    ("R3, R4: any id is believed", EVTCHNL,
     "if (slot->id != resp->id || slot->state == XEN_DRM_FRONT_SLOT_FREE ||\n"
     "\t    slot->state == XEN_DRM_FRONT_SLOT_DONE) {", "if (0) {",
     "test_attack and (unknown-id or duplicate)", "aarch64-new"),
    ("R6: the operation of a response is not looked at", EVTCHNL,
     "if (slot->operation != resp->operation) {", "if (0) {",
     "test_attack and wrong-operation", "aarch64-new"),
    ("R7: any status is passed on", EVTCHNL,
     "\t\treturn -EOPNOTSUPP;\n\tdefault:\n\t\treturn -EIO;",
     "\t\treturn -EOPNOTSUPP;\n\tdefault:\n\t\treturn status;",
     "test_attack and R7", "aarch64-new"),
    ("E1: any number of events is believed", EVTCHNL,
     "if (prod - chan->evt_cons > XENDISPL_IN_RING_LEN) {", "if (0) {",
     "test_attack and in-prod", "aarch64-new"),
    ("E2: the event index is read back", EVTCHNL,
     "\tprod = READ_ONCE(page->in_prod);\n",
     "\tprod = READ_ONCE(page->in_prod);\n"
     "\tchan->evt_cons = READ_ONCE(page->in_cons);\n",
     "test_attack and in-cons", "aarch64-new"),
    ("E6: any event completes the flip", KMS,
     "(cookie && cookie != pipe->flip_cookie)", "0",
     "test_strange_event_completes_no_flip", "aarch64-new"),
    ("I1: interrupts without cause are not told", EVTCHNL,
     "xen_irq_lateeoi(irq, progress ? 0 : XEN_EOI_FLAG_SPURIOUS);",
     "xen_irq_lateeoi(irq, 0);",
     "test_storm_costs_a_bounded_share", "aarch64-new"),
    ("I4: each failure is logged", VERBS,
     "drm_err_ratelimited(&display->drm,\n\t\t\t\t    "
     "\"backend does not destroy", "drm_err(&display->drm,\n\t\t\t\t    "
     "\"backend does not destroy",
     "test_log_is_not_flooded", "aarch64-new"),
    ("G1, G2: pages that are held may be reused", HELD,
     "\tif (page)\n\t\tget_page(page);", "",
     "test_kept_pages_are_not_reused", "aarch64-new"),
    ("G1: any number of pages may be held", HELD,
     "return READ_ONCE(held->num_pages) > held->max_pages;", "return false;",
     "test_held_pages_are_limited", "aarch64-new"),
    ("B1, B2: reference 0 is mapped", PGDIR,
     "\t\tif (!ref)\n\t\t\treturn -EINVAL;\n", "",
     "test_attack and (gref-zero or gref-few)", "aarch64-new"),
    ("B1: a page that was not mapped is used", PGDIR,
     "failed += map[i].status != GNTST_okay;", "",
     "test_attack and gref-garbage", "aarch64-new"),
    ("S4: a backend is waited for without end", FRONT,
     "time_after_eq(jiffies, front->answer_by))", "0)",
     "test_attack and state-ignore", "aarch64-new"),
    ("T3: time-outs do not end the connection", EVTCHNL,
     "if (missed >= XEN_DRM_FRONT_MAX_TIMEOUTS)", "if (missed >= 1000)",
     "test_attack and T3", "aarch64-new"),
]


def mutate(mutant, tree):
    what, name, old, new, _, _ = mutant
    path = tree / name
    text = path.read_text()
    if text.count(old) != 1:
        raise SystemExit(f"'{what}': its text stands {text.count(old)} times in "
                         f"{name}, expected once; update tests/mutants")
    path.write_text(text.replace(old, new))


def survives(mutant, tree):
    """Run the scenario, also of attacks that only a long run has; a mutant's
    module that does not build is no proof."""
    *_, scenario, platform = mutant
    r = subprocess.run([sys.executable, "-m", "pytest", "-q", "-x", "tests/scenarios",
                        "--platform", platform, "-k", scenario], cwd=tree,
                       capture_output=True, text=True, check=False,
                       env={**os.environ, "LONG": "1"})
    (tree / "out").mkdir(exist_ok=True)
    (tree / "out/pytest.log").write_text(r.stdout + r.stderr)
    if r.returncode not in (0, 1) or "modpost" in r.stdout + r.stderr:
        raise SystemExit(f"pytest ended with {r.returncode}: {r.stdout[-3000:]}")
    failed = [line for line in r.stdout.splitlines() if line.startswith("E  ")]
    return r.returncode == 0, failed[0][1:].strip() if failed else ""


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("words", nargs="*", help="only mutants with one of these words")
    words = p.parse_args().words
    killed = survived = 0
    for mutant in MUTANTS:
        if words and not any(w in mutant[0] for w in words):
            continue
        start = time.monotonic()
        tree = build.BUILD / "mutants/tree"
        shutil.rmtree(tree, ignore_errors=True)
        shutil.copytree(CHECKOUT, tree, ignore=shutil.ignore_patterns(
            ".git", "out", "__pycache__"))
        mutate(mutant, tree)
        alive, why = survives(mutant, tree)
        survived, killed = survived + alive, killed + (not alive)
        print(f"{'SURVIVED' if alive else 'killed'}: {mutant[0]}: {mutant[4]} "
              f"({time.monotonic() - start:.0f} s) {why[:160]}", flush=True)
    print(f"{killed} passed, {survived} failed, 0 skipped")
    return 1 if survived or not killed else 0


if __name__ == "__main__":
    sys.exit(main())
