"""Why a photo is not taken. Nothing here touches the database."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

SENTENCES = {
    "photo_empty": _("没有收到照片内容。请在请求正文中直接发送照片，并带上 Content-Length。"),
    "photo_hash_mismatch": _("收到的照片与其 SHA-256 不符：算得 %(found)s。请重新发送。"),
    "photo_too_large": _("照片最大 %(limit)s 字节，收到 %(size)s 字节。请压缩后重新发送。"),
    "photo_too_many_pixels": _("照片像素过多，这种格式最多约 %(limit)d 百万像素。请降低分辨率后重新发送。"),
    "photo_not_an_image": _("这不是 JPEG、PNG、WebP 或 HEIC 照片。"),
    "photo_truncated": _("照片不完整或已损坏，无法显示。请重新拍摄或重新发送。"),
    "photo_animated": _("不接受动图，请发送单张照片。"),
    "photo_suspicious": _("照片文件结构异常，或夹带了网页、脚本、压缩包等其他内容，不予接收。请发送原始照片。"),
    "photo_original_closed": _("原始照片只对上传人、监督中心、督办领导和审计员开放，您可以查看预览图。"),
    "photo_busy": _("正在处理的照片太多。请过 %(seconds)s 秒再试。"),
    "disk_full": _("服务器存储空间已满，照片没有保存。请保留照片稍后重发，并通知系统管理员。"),
    "photo_lost": _("照片文件已丢失或损坏，请联系系统管理员从备份中恢复。"),
}


class PhotoRefused(Exception):
    """A photo that is not taken, or not shown. `code` is stable; the sentence is in the reader's language."""

    field = "photo"

    def __init__(self, code: str, **figures: object):
        self.code = code
        super().__init__(str(SENTENCES[code]) % figures)
