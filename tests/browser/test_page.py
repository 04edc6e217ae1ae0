"""The desk in a real browser, over the embedded model."""

from __future__ import annotations

import functools
import io
import threading
import tomllib
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from lora_mixer.images import read_picture
from tests.browser.conftest import BROWSER, Log, nameless, open_desk

pytestmark = BROWSER


def add_lora(page: Page, name: str) -> None:
    page.locator("#pick input").click()
    page.get_by_role("option", name=name, exact=True).click()
    page.evaluate("document.activeElement.blur()")
    slider(page, name).wait_for()


def slider(page: Page, name: str):
    return page.get_by_label(f"range slider for {name}")


def prompt(page: Page):
    return page.locator("#prompt textarea")


def shown(page: Page) -> str:
    images = page.locator("#picture img")
    return str(images.get_attribute("src")) if images.count() else ""


def finished(page: Page, before: str) -> str:
    """Wait until another picture is done, and return its address."""
    page.wait_for_function(
        """before => {
            const image = document.querySelector('#picture img');
            return image && image.src.includes('/pictures/') && image.src !== before
                && /Seed|种子/.test(document.querySelector('#status').innerText);
        }""",
        arg=before,
    )
    return shown(page)


def generate(page: Page) -> str:
    before = shown(page)
    page.locator("#go").click()
    return finished(page, before)


def live(page: Page, *, on: bool) -> None:
    page.locator("#live input").set_checked(on)


def record(page: Page) -> str:
    if not page.locator("#record").count():
        page.get_by_text("How it was made").click()
    return page.locator("#record textarea").input_value()


def test_a_slider_moved_by_mouse_or_keys_moves_its_tag_and_the_picture(page: Page, pictures: Path) -> None:
    live(page, on=False)
    add_lora(page, "night_sky")
    add_lora(page, "line_art")
    assert prompt(page).input_value() == "red heart <lora:night_sky:1> <lora:line_art:1>"
    first = generate(page)
    live(page, on=True)
    box = slider(page, "line_art").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    dragged = finished(page, first)
    assert "<lora:night_sky:1> <lora:line_art:-1" in prompt(page).input_value()
    slider(page, "night_sky").focus()
    page.keyboard.press("ArrowLeft")
    keyed = finished(page, dragged)
    assert "<lora:night_sky:0.95>" in prompt(page).input_value()
    contents = [page.request.get(url).body() for url in (first, dragged, keyed)]
    assert len(set(contents)) == 3
    assert all(b"parameters" in content and b"lora-mixer" in content for content in contents)
    page.screenshot(path=pictures / "desk.png", full_page=True)


def test_a_typed_tag_is_a_strip_and_its_switch_takes_it_out_and_puts_it_back(page: Page) -> None:
    live(page, on=False)
    prompt(page).press_sequentially(" <lora:sepia:0.5>")
    slider(page, "sepia").wait_for()
    assert slider(page, "sepia").input_value() == "0.5"
    switch = page.get_by_label("sepia", exact=True).first
    switch.uncheck()
    expect(prompt(page)).to_have_value("red heart")
    page.locator("[id^='n-'] input").fill("3.5")
    page.locator("[id^='n-'] input").press("Enter")
    expect(slider(page, "sepia")).to_have_attribute("max", "3.5")
    switch.check()
    expect(prompt(page)).to_have_value("red heart <lora:sepia:3.5>")
    page.locator("[id^='chips-'] label").first.click()
    expect(prompt(page)).to_have_value("red heart <lora:sepia:3.5>, sepia")
    expect(page.locator("#count")).not_to_have_text("2/75")
    page.get_by_role("button", name="Remove").click()
    page.wait_for_selector("#no-strips")
    assert prompt(page).input_value() == "red heart, sepia"


def test_a_prompt_that_is_cut_and_pasted_moves_its_strips(page: Page) -> None:
    live(page, on=False)
    add_lora(page, "sepia")
    switch = page.get_by_label("sepia", exact=True).first
    prompt(page).press("Control+a")
    page.keyboard.press("Control+x")
    expect(switch).not_to_be_checked()
    page.keyboard.press("Control+v")
    expect(switch).to_be_checked()


def test_solo_renders_one_strip_and_leaves_the_prompt_alone(page: Page) -> None:
    live(page, on=False)
    prompt(page).press_sequentially(" <lora:sepia:1> <lora:line_art:1>")
    slider(page, "line_art").wait_for()
    page.get_by_label("Solo").first.check()
    generate(page)
    assert "<lora:sepia:1>" in record(page)
    assert "line_art" not in record(page).partition("\n")[0]
    assert prompt(page).input_value() == "red heart <lora:sepia:1> <lora:line_art:1>"


def test_the_history_is_searched_used_again_compared_and_deleted(page: Page, pictures: Path) -> None:
    live(page, on=False)
    page.locator("#seed input").fill("4711")
    prompt(page).press_sequentially(" <lora:pixel_art:0.6>")
    slider(page, "pixel_art").wait_for()
    generate(page)
    page.locator("#keep").click()
    page.locator("#seed input").fill("4712")
    generate(page)
    page.locator("#compare").wait_for()
    page.locator("#history-search input, #history-search textarea").press_sequentially("4711 pixel_art")
    expect(page.locator("#history button.thumbnail-item")).to_have_count(1)
    page.get_by_role("button", name="Remove").click()
    page.wait_for_selector("#no-strips")
    page.locator("#history button.thumbnail-item").click()
    expect(page.locator("#status")).to_have_text("")
    assert "Seed: 4711" in record(page)
    page.screenshot(path=pictures / "history.png", full_page=True)
    page.locator("#use").click()
    slider(page, "pixel_art").wait_for()
    assert prompt(page).input_value() == "red heart <lora:pixel_art:0.6>"
    assert page.locator("#seed input").input_value() == "4711"
    page.locator("#delete").click()
    expect(page.locator("#history button.thumbnail-item")).to_have_count(0)


def test_a_slider_moved_again_stops_the_older_render(page: Page) -> None:
    live(page, on=False)
    add_lora(page, "sepia")
    page.locator("#seed input").fill("-1")
    page.locator("#steps input[type=number]").fill("40")
    live(page, on=True)
    kept = page.locator("#history button.thumbnail-item")
    before = kept.count(), shown(page)
    slider(page, "sepia").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("() => document.querySelector('#status').innerText.includes('Step')")
    page.keyboard.press("ArrowLeft")
    finished(page, before[1])
    expect(kept).to_have_count(before[0] + 1)
    assert "<lora:sepia:0.9>" in record(page)
    seed = page.locator("#status").inner_text().partition(",")[0]
    page.locator("#steps input[type=number]").fill("2")
    first = shown(page)
    page.keyboard.press("Escape")
    slider(page, "sepia").press("ArrowLeft")
    finished(page, first)
    assert page.locator("#status").inner_text().startswith(seed), "live mode keeps the noise, even of a random seed"


def test_a_mix_is_saved_renamed_loaded_and_shared(page: Page) -> None:
    live(page, on=False)
    prompt(page).press_sequentially(" <lora:sepia:0.5> <lora:line_art:-1>")
    slider(page, "line_art").wait_for()
    page.get_by_text("Saved mixes").click()
    page.locator("#mix-name input, #mix-name textarea").fill("old paper")
    page.locator("#mix-save").click()
    expect(page.locator("#mix-names input")).to_have_value("old paper")
    page.locator("#mix-name input, #mix-name textarea").fill("旧纸")
    page.locator("#mix-rename").click()
    expect(page.locator("#mix-names input")).to_have_value("旧纸")
    with page.expect_download() as shared:
        page.locator("#mix-share").click()
    text = shared.value.path().read_text()
    assert [use["strength"] for use in tomllib.loads(text)["loras"]] == [0.5, -1.0]
    prompt(page).fill("red heart")
    expect(page.get_by_label("sepia", exact=True).first).not_to_be_checked()
    page.locator("#mix-load").click()
    expect(prompt(page)).to_have_value("red heart <lora:sepia:0.5> <lora:line_art:-1>")
    with page.expect_file_chooser() as chooser:
        page.locator("#mix-take").click()
    chooser.value.set_files(
        {"name": "theirs.toml", "mimeType": "text/plain", "buffer": text.replace("-1", "2").encode()}
    )
    expect(prompt(page)).to_have_value("red heart <lora:sepia:0.5> <lora:line_art:2>")
    page.locator("#mix-delete").click()
    expect(page.locator("#mix-names input")).to_have_value("")


def test_another_model_brings_its_own_settings(page: Page) -> None:
    page.get_by_text("Sampler, size, presets").click()
    page.locator("#model input").click()
    page.get_by_role("option", name="quick", exact=True).click()
    expect(page.locator("#steps input[type=number]")).to_have_value("3")
    expect(page.locator("#sampler input")).to_have_value("Euler a")
    generate(page)
    assert "Model: quick" in record(page)


def test_an_error_is_a_notice_with_the_remedy(page: Page) -> None:
    prompt(page).press_sequentially(" <lora:nightsky:1>")
    page.locator("#go").click()
    toast = page.locator("[data-testid=toast-body]")
    toast.wait_for()
    assert "nightsky" in toast.inner_text()
    assert "night_sky" in toast.inner_text()


def test_escape_cancels_and_control_enter_renders(page: Page) -> None:
    page.locator("#steps input[type=number]").fill("100")
    page.keyboard.press("Control+Enter")
    page.wait_for_function("() => document.querySelector('#status').innerText.includes('Step')")
    page.keyboard.press("Escape")
    page.get_by_text("Cancelled").wait_for()
    page.locator("#steps input[type=number]").fill("2")
    generate(page)


def test_two_tabs_keep_their_own_mixes(page: Page, browser: Browser, address: str) -> None:
    other = browser.new_page()
    open_desk(other, address)
    for tab, name in ((page, "sepia"), (other, "line_art")):
        live(tab, on=False)
        add_lora(tab, name)
    before = shown(page), shown(other)
    page.locator("#go").click()
    other.locator("#go").click()
    finished(page, before[0])
    finished(other, before[1])
    assert ("sepia" in record(page), "line_art" in record(page)) == (True, False)
    assert ("sepia" in record(other), "line_art" in record(other)) == (False, True)
    other.close()


def test_what_a_file_says_of_itself_is_text_and_another_family_is_refused(page: Page, pictures: Path) -> None:
    live(page, on=False)
    page.get_by_text("Browse LoRAs").click()
    page.locator("#lora-previews").get_by_text("large · sdxl ✕").wait_for()
    page.screenshot(path=pictures / "browser.png", full_page=True)
    page.locator("#lora-previews").get_by_text("large · sdxl ✕").click()
    page.locator("[data-testid=toast-body]").get_by_text("large does not fit").wait_for()
    page.locator("#lora-previews").get_by_text("strange").click()
    slider(page, "strange").wait_for()
    page.locator("[id^='chips-'] label").first.click()
    page.wait_for_function("() => document.querySelector('#prompt textarea').value.includes('<script>')")
    assert page.evaluate("window.hit") is None


def test_the_page_speaks_chinese_fits_a_phone_and_asks_nobody_else(
    browser: Browser, address: str, pictures: Path
) -> None:
    context = browser.new_context(
        locale="zh-CN", viewport={"width": 390, "height": 844}, has_touch=True, color_scheme="dark"
    )
    page = context.new_page()
    log = Log(page)
    open_desk(page, address)
    add_lora(page, "sepia")
    finished(page, "")
    assert page.get_by_role("button", name="生成", exact=True).is_visible()
    assert "种子" in page.locator("#status").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for closed in ("浏览", "文本编码器", "已保存", "采样器、尺寸", "高级"):
        page.get_by_role("button", name=closed).first.click()
    page.locator("#hires").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert nameless(page) == []
    page.screenshot(path=pictures / "phone.png", full_page=True)
    assert log.is_clean(), (log.hosts, log.errors)
    context.close()


def test_a_preset_sets_its_knobs_and_hires_fix_draws_larger_and_comes_back(page: Page) -> None:
    live(page, on=False)
    page.get_by_text("Sampler, size, presets").click()
    page.locator("#preset input").click()
    page.get_by_role("option", name="tcd", exact=True).click()
    expect(page.locator("#sampler input")).to_have_value("TCD")
    expect(page.locator("#steps input[type=number]")).to_have_value("4")
    page.get_by_text("Advanced: variation").click()
    expect(page.locator("#eta input")).to_have_value("0.3")
    page.locator("#hires input").check()
    page.locator("#hires-scale input[type=number]").fill("1.5")
    page.locator("#hires-steps input").fill("2")
    picture = page.request.get(generate(page)).body()
    assert Image.open(io.BytesIO(picture)).size == (192, 192)
    assert "Hires upscale: 1.5" in record(page)
    page.locator("#hires input").uncheck()
    page.locator("#eta input").fill("-1")
    page.locator("#use").click()
    expect(page.locator("#hires input")).to_be_checked()
    expect(page.locator("#eta input")).to_have_value("0.3")


def test_a_script_renders_through_the_named_endpoint(address: str) -> None:
    client = Client(address, verbose=False)
    assert list(client.view_api(return_format="dict", print_info=False)["named_endpoints"]) == ["/render"]
    wish = {"prompt": "red heart", "loras": {"line_art": 0.5}, "seed": 3, "steps": 1, "api_name": "/render"}
    path, text = client.predict(**wish)
    asked = read_picture(Path(path)).request
    assert (asked.prompt, asked.seed, asked.loras[0].name, asked.loras[0].strength.denoiser) == (
        "red heart",
        3,
        "line_art",
        0.5,
    )
    assert "Seed: 3" in text
    with pytest.raises(AppError, match="line_art"):
        client.predict(**wish | {"loras": {"line_arf": 1}})


def test_a_page_of_another_port_of_this_machine_reads_nothing_and_renders_nothing(
    browser: Browser, address: str, tmp_path: Path
) -> None:
    (tmp_path / "index.html").write_text("<title>another</title>")
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{other.server_port}/")
        tried = page.evaluate(
            """async address => {
                const tried = [];
                const post = { method: 'POST', body: '{"data": ["cat"]}' };
                const json = { ...post, headers: { 'content-type': 'application/json' } };
                for (const [path, how] of [['/config', {}], ['/gradio_api/call/render', json],
                                           ['/gradio_api/call/render', { ...post, mode: 'no-cors' }]]) {
                    try {
                        const answer = await fetch(address + path, how);
                        tried.push(answer.type === 'opaque' ? 'opaque' : answer.status);
                    } catch { tried.push('refused'); }
                }
                const image = new Image();
                tried.push(await new Promise(told => {
                    image.onload = () => told('shown');
                    image.onerror = () => told('refused');
                    image.src = address + '/gradio_api/file=/~desk/pictures/x.png';
                }));
                return tried;
            }""",
            address,
        )
        assert tried == ["refused", "refused", "opaque", "refused"]  # what is opaque was answered by 403, unseen
        page.close()
        other.shutdown()
